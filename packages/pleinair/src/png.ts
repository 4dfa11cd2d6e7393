import { encode } from 'fast-png';

/** Pixels to encode. */
export interface PngPixels {
  readonly width: number;
  readonly height: number;
  /** RGBA8, straight alpha, `4 · width · height` bytes. */
  readonly rgba: Uint8Array | Uint8ClampedArray;
}

/**
 * Encodes a PNG with text chunks right after its header. Works the same in browsers and Node and gives the same bytes,
 * unlike a canvas, which keeps its pixels premultiplied.
 *
 * @param text - Keyword to value. Keywords are Latin-1, 1 to 79 characters; values any Unicode (tEXt where Latin-1 is
 *   enough, else iTXt).
 */
export function encodePng(pixels: PngPixels, text: Readonly<Record<string, string>> = {}): Uint8Array<ArrayBuffer> {
  const { width, height, rgba } = pixels;
  const opaque = rgba.every((value, i) => i % 4 !== 3 || value === 255);
  const png = encode({
    width,
    height,
    data: opaque ? withoutAlpha(rgba) : new Uint8Array(rgba),
    channels: opaque ? 3 : 4,
  });
  const headerEnd = 8 + 12 + 13; // signature, IHDR's length, type and checksum, its content
  const chunks = Object.entries(text).map(([keyword, value]) => textChunk(keyword, value));
  return join([png.subarray(0, headerEnd), ...chunks, png.subarray(headerEnd)]);
}

/** Reads a PNG's text chunks (tEXt and uncompressed iTXt). Chunks of other kinds are passed over. */
export function readPngText(png: Uint8Array): Record<string, string> {
  const view = new DataView(png.buffer, png.byteOffset, png.byteLength);
  const text: Record<string, string> = {};
  for (let at = 8; at + 12 <= png.length;) {
    const length = view.getUint32(at);
    const type = latin1(png.subarray(at + 4, at + 8));
    const body = png.subarray(at + 8, at + 8 + length);
    const end = body.indexOf(0);
    if (type === 'tEXt' && end > 0) text[latin1(body.subarray(0, end))] = latin1(body.subarray(end + 1));
    if (type === 'iTXt' && end > 0 && body[end + 1] === 0) {
      const language = body.indexOf(0, end + 3);
      const translated = body.indexOf(0, language + 1);
      text[latin1(body.subarray(0, end))] = new TextDecoder().decode(body.subarray(translated + 1));
    }
    at += 12 + length;
  }
  return text;
}

function withoutAlpha(rgba: Uint8Array | Uint8ClampedArray): Uint8Array {
  const rgb = new Uint8Array((rgba.length / 4) * 3);
  for (let i = 0, o = 0; i < rgba.length; i += 4, o += 3) {
    rgb[o] = rgba[i]!;
    rgb[o + 1] = rgba[i + 1]!;
    rgb[o + 2] = rgba[i + 2]!;
  }
  return rgb;
}

function textChunk(keyword: string, value: string): Uint8Array<ArrayBuffer> {
  const name = Uint8Array.from(keyword, (c) => c.charCodeAt(0));
  const isLatin1 = /^[\x20-\x7e\xa0-\xff\n]*$/.test(value);
  const body = isLatin1
    ? join([name, Uint8Array.of(0), Uint8Array.from(value, (c) => c.charCodeAt(0))])
    : join([name, Uint8Array.of(0, 0, 0, 0, 0), new TextEncoder().encode(value)]);
  const type = Uint8Array.from(isLatin1 ? 'tEXt' : 'iTXt', (c) => c.charCodeAt(0));
  const out = new Uint8Array(body.length + 12);
  const view = new DataView(out.buffer);
  view.setUint32(0, body.length);
  out.set(type, 4);
  out.set(body, 8);
  view.setUint32(out.length - 4, crc32(out.subarray(4, out.length - 4)));
  return out;
}

/** The checksum of PNG chunks (ISO 3309); the chunks here are short, so bit by bit is fast enough. */
function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  return (crc ^ 0xffffffff) >>> 0;
}

function latin1(bytes: Uint8Array): string {
  // TextDecoder's "latin1" is windows-1252, and a spread of a large chunk would overflow the stack.
  return Array.from(bytes, (byte) => String.fromCharCode(byte)).join('');
}

function join(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
