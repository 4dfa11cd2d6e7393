import { throwIfCancelled } from '@pleinair/tensor';
import { discard, TransientError, type Attempt } from '../http-client.js';
import { HubError } from './hub-error.js';
import type { Checksum, HubClient, HubFile } from './hub-client.js';

/** A hash that is fed while bytes go by. */
export interface Hasher {
  update(bytes: Uint8Array): void;
  /** In hexadecimal. */
  digest(): string;
}

/** Makes a hash of a kind; of `git-sha1`, the header is already in it. */
export type MakeHasher = (kind: Checksum['kind'], size: number) => Hasher;

/** Where a download goes: a file that may hold some of it already. */
export interface DownloadSink {
  /** Bytes that are there. */
  size(): Promise<number>;
  /** The first `length` bytes, in pieces; each is used up before the next is asked for. */
  read(length: number): AsyncIterable<Uint8Array>;
  /** Puts bytes there; they may be reused when it is done. */
  write(position: number, bytes: Uint8Array): Promise<void>;
  /** Cuts the file off. */
  truncate(length: number): Promise<void>;
}

/** What {@link downloadFile} is told beside what and where. */
export interface DownloadFileOptions {
  readonly signal?: AbortSignal;
  readonly makeHasher: MakeHasher;
  /** How far the file is; also backwards, when it has to begin anew. `received`: bytes that came just now over the net. */
  readonly onPosition: (position: number, received: number) => void;
}

/** A file whose bytes are not what the Hub says is asked for once more from its beginning. */
const rounds = 2;

/**
 * Brings a file into a sink: goes on from what is there, over cuts and stalls, and checks all of it, old bytes and new, against
 * the Hub's checksum. Only when this has returned is the sink's content what it should be.
 *
 * @throws `HubError` `hub/corrupt` (the sink is then empty), `hub/gated` and the other refusals; `WeightError`
 *   `weights/network`; `CancelledError`; what the sink throws. But for `hub/corrupt`, what came stays in the sink.
 */
export async function downloadFile(
  client: HubClient,
  repo: string,
  commit: string,
  file: HubFile,
  sink: DownloadSink,
  options: DownloadFileOptions,
): Promise<void> {
  for (let round = 1; ; round++) {
    const got = await fill(client, repo, commit, file, sink, options);
    if (got === file.checksum.hex) return;
    await sink.truncate(0);
    options.onPosition(0, 0);
    if (round === rounds) {
      throw new HubError(
        'hub/corrupt',
        `${repo}: ${file.path}: expected ${file.size} bytes of ${file.checksum.kind} ${file.checksum.hex}, got ${got}, ` +
          `${rounds} times. Nothing of it was kept. Something between here and ${client.endpoint} alters it: try another network or mirror.`,
      );
    }
  }
}

/** One way through the file. Returns its checksum, or what was wrong in words. */
async function fill(
  client: HubClient,
  repo: string,
  commit: string,
  file: HubFile,
  sink: DownloadSink,
  { signal, makeHasher, onPosition }: DownloadFileOptions,
): Promise<string> {
  const hasher = makeHasher(file.checksum.kind, file.size);
  let position = await sink.size();
  if (position > file.size) return 'more bytes than that';
  let checked = 0;
  for await (const piece of sink.read(position)) {
    throwIfCancelled(signal, file.path);
    hasher.update(piece);
    checked += piece.length;
    onPosition(checked, 0);
  }
  position = checked;
  let problem: string | undefined;
  let refused: { readonly error: unknown } | undefined;
  await client.http.attempt(`${repo}: ${file.path}`, client.endpoint, signal, async (attempt) => {
    if (position === file.size) return;
    const opened = await open(client, repo, commit, file, position, attempt);
    if (typeof opened === 'string') {
      problem = opened;
      return;
    }
    let { skip } = opened;
    const reader = opened.body.getReader();
    try {
      for (;;) {
        const { done, value } = await reader.read();
        if (done) break;
        attempt.alive();
        const fresh = value.subarray(Math.min(skip, value.length));
        skip -= value.length - fresh.length;
        if (fresh.length === 0) continue;
        if (position + fresh.length > file.size) {
          problem = 'more bytes than that';
          return;
        }
        try {
          await sink.write(position, fresh);
        } catch (error) {
          refused = { error }; // not the connection's fault: another try would not cure it
          return;
        }
        hasher.update(fresh);
        position += fresh.length;
        attempt.progressed();
        attempt.alive();
        onPosition(position, fresh.length);
      }
    } finally {
      await reader.cancel().catch(() => undefined);
    }
    if (position < file.size) throw new TransientError('the connection was cut');
  });
  if (refused) throw refused.error;
  return problem ?? hasher.digest();
}

/** Asks for the bytes from `position` on. In words, what is wrong with a file that is of another size. */
async function open(
  client: HubClient,
  repo: string,
  commit: string,
  file: HubFile,
  position: number,
  attempt: Attempt,
): Promise<{ readonly body: ReadableStream<Uint8Array>; readonly skip: number } | string> {
  const response = await client.http.request(client.fileUrl(repo, commit, file.path), {
    signal: attempt.signal,
    // Asked for even from 0 on: answers to ranges are never compressed on the way.
    range: [position, undefined],
  });
  const { status, body } = response;
  if (status === 416) {
    await discard(response);
    return `less than ${position + 1} bytes`;
  }
  if ((status !== 200 && status !== 206) || !body) {
    await discard(response);
    throw client.refusal(response, repo, commit, file.path);
  }
  if (status === 200) return { body, skip: position }; // ranges are not known there: the front comes again
  const range = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(response.headers.get('Content-Range') ?? '');
  if (range && range[2] !== '*' && Number(range[2]) !== file.size) {
    await discard(response);
    return `${range[2]} bytes`;
  }
  if (range && Number(range[1]) !== position) {
    await discard(response);
    throw new TransientError(`bytes from ${range[1]} instead of ${position}`);
  }
  return { body, skip: 0 };
}
