/** Where models come from unless the user says otherwise: the Hub, and the hosts that it sends downloads to. */
export const hubSources: readonly string[] = ['https://huggingface.co', 'https://*.huggingface.co', 'https://*.hf.co'];

/**
 * The policy of pages: nothing but Studio's own files. Pages never talk to the Hub, workers do.
 * `blob:` is how pictures are shown.
 */
export const pagePolicy: string = [
  "default-src 'self'",
  "connect-src 'self' blob:",
  "img-src 'self' blob: data:",
  "worker-src 'self'",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'none'",
].join('; ');

/**
 * The policy of workers, which have one of their own: what they are served with.
 *
 * @param sources - Where models may come from.
 */
export function workerPolicy(sources: readonly string[] = hubSources): string {
  return ["default-src 'self'", `connect-src 'self' blob: ${sources.join(' ')}`, "worker-src 'self'"].join('; ');
}

/**
 * What a worker may reach for a Hub of the user's choice: its origin alone, or the Hub and its hosts.
 *
 * @param endpoint - An address, or nothing for the Hub.
 */
export function sourcesOf(endpoint: string | undefined): readonly string[] {
  if (endpoint === undefined || !URL.canParse(endpoint)) return hubSources;
  const { origin, hostname } = new URL(endpoint);
  return hostname === 'huggingface.co' || hostname === 'hf.co' || origin === 'null' ? hubSources : [origin];
}
