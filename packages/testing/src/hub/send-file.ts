import type { IncomingMessage, ServerResponse } from 'node:http';
import { DiskFile } from './disk-file.js';
import type { HubHabits } from './hub-habits.js';
import type { HubContent } from './hub-repos.js';

/** A file to send. */
interface SentFile {
  readonly path: string;
  readonly bytes: HubContent;
  readonly etag: string;
}

/**
 * Sends a file or a range of it, well or as badly as the habits say; a file on the disk always well. `count` is told how
 * many bytes went out.
 */
export function sendFile(
  request: IncomingMessage,
  response: ServerResponse,
  file: SentFile,
  habits: HubHabits,
  count: (bytes: number) => void,
): void {
  const { bytes } = file;
  const asked = /^bytes=(\d+)-(\d*)$/.exec(habits.ignoreRanges ? '' : (request.headers.range ?? ''));
  const first = asked ? Number(asked[1]) : 0;
  if (asked && first >= bytes.length) {
    response.writeHead(416, { 'Content-Range': `bytes */${bytes.length}` }).end();
    return;
  }
  const end = asked?.[2] ? Math.min(Number(asked[2]) + 1, bytes.length) : bytes.length;
  const headers: Record<string, string> = {
    'Content-Length': String(end - first),
    'Accept-Ranges': 'bytes',
    ETag: `"${file.etag}"`,
  };
  if (asked) headers['Content-Range'] = `bytes ${first}-${end - 1}/${bytes.length}`;
  response.writeHead(asked ? 206 : 200, headers);
  if (request.method === 'HEAD') {
    response.end();
    return;
  }
  if (bytes instanceof DiskFile) {
    void pourFrom(response, bytes.read(first, end), count).then(
      (poured) => void (poured && response.end()),
      () => request.socket.destroy(),
    );
    return;
  }
  let body = Buffer.from(bytes.subarray(first, end));
  const concerned = file.path.includes(habits.only);
  if (concerned && habits.corruptions > 0 && body.length > 0) {
    habits.corruptions--;
    body = Buffer.from(body);
    body[body.length >> 1]! ^= 4;
  }
  if (concerned && habits.stalls > 0 && body.length > 8) {
    habits.stalls--;
    count(4);
    response.write(body.subarray(0, 4));
    return;
  }
  let cut = false;
  if (concerned && habits.cuts > 0 && body.length > habits.cutAfter) {
    habits.cuts--;
    cut = true;
    body = body.subarray(0, habits.cutAfter);
  }
  void pour(response, body, habits, count).then((poured) => {
    if (!poured) return;
    if (cut) setTimeout(() => request.socket.destroy(), 5);
    else response.end();
  });
}

/** Writes the body, at the pace asked for. False when the other side has gone. */
async function pour(
  response: ServerResponse,
  body: Buffer,
  { bytesPerSecond }: HubHabits,
  count: (bytes: number) => void,
): Promise<boolean> {
  const piece = bytesPerSecond ? Math.max(1, Math.ceil(bytesPerSecond / 50)) : 1 << 20;
  for (let at = 0; at < body.length; at += piece) {
    if (response.destroyed) return false;
    const part = body.subarray(at, at + piece);
    const room = response.write(part);
    count(part.length);
    if (bytesPerSecond) await new Promise((resolve) => setTimeout(resolve, (part.length / bytesPerSecond) * 1000));
    else if (!room) await drained(response);
  }
  return !response.destroyed;
}

/** Writes pieces as fast as they are taken. False when the other side has gone. */
async function pourFrom(
  response: ServerResponse,
  pieces: AsyncIterable<Uint8Array>,
  count: (bytes: number) => void,
): Promise<boolean> {
  for await (const piece of pieces) {
    if (response.destroyed) return false;
    const room = response.write(piece);
    count(piece.length);
    if (!room) await drained(response);
  }
  return !response.destroyed;
}

/** Waits until there is room again, or nobody is there to take more. */
function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const go = (): void => {
      response.off('drain', go);
      response.off('close', go);
      resolve();
    };
    response.on('drain', go);
    response.on('close', go);
  });
}
