/** What of Node's `process` is looked at. */
interface WithProcessorTime {
  cpuUsage?(): { readonly user: number; readonly system: number };
}

/** Milliseconds of processor time that this process has taken, all threads together; nothing in browsers, which do not tell. */
export function processorMs(): number | undefined {
  const { process } = globalThis as { readonly process?: WithProcessorTime };
  const used = process?.cpuUsage?.();
  return used && (used.user + used.system) / 1000;
}
