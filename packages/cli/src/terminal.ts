/** What a command writes to. Progress and notes go to `err`, so that `out` can be piped. */
export interface Terminal {
  readonly out: TerminalStream;
  readonly err: TerminalStream;
}

/** A stream that may be a screen; progress bars are drawn on screens only. */
export type TerminalStream = NodeJS.WritableStream & { readonly isTTY?: boolean };

/** 12.3 kB, 4.5 MB, 5.13 GB; MB is 10⁶ bytes here as everywhere in the project. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let unit = 0;
  let value = bytes;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 ? value : value.toPrecision(3)} ${units[unit]}`;
}

/** 850 ms, 3.2 s, 2 min 5 s. */
export function formatMs(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}
