/** How the test Hub behaves. A changed field takes effect at the next request. */
export interface HubHabits {
  /** Answered, in order, before anything else; `on` says which requests, by their path. */
  failures: { status: number; headers?: Record<string, string>; on?: string }[];
  /** Cuts the connection after this many bytes of a file, for as many responses as `cuts` says. */
  cutAfter: number;
  cuts: number;
  /** Sends some bytes of a file, then nothing more, for this many responses. */
  stalls: number;
  /** Flips a bit in the middle of what is sent, for this many responses with a file. */
  corruptions: number;
  /** Corrupts and so on only files whose path holds this. */
  only: string;
  /** `Range` is ignored and the whole file sent. */
  ignoreRanges: boolean;
  /** Sends files no faster than this. 0: as fast as it goes. */
  bytesPerSecond: number;
  /** Entries a page of the tree listing. */
  pageSize: number;
}

/** A Hub that does what it should. */
export function goodHabits(): HubHabits {
  return {
    failures: [],
    cutAfter: 0,
    cuts: 0,
    stalls: 0,
    corruptions: 0,
    only: '',
    ignoreRanges: false,
    bytesPerSecond: 0,
    pageSize: 1000,
  };
}
