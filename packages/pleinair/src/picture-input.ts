import { checkImage, type RgbaImage } from '@pleinair/diffusion';
import { PleinairError } from '@pleinair/tensor';
import { decode } from 'fast-png';

/**
 * A picture to work on: pixels (`rgba`, or `data` as a canvas's `ImageData` has them), the bytes of a PNG file, or a `Blob`:
 * of a PNG anywhere, and in browsers of whatever they can show.
 */
export type PictureInput =
  RgbaImage | { readonly width: number; readonly height: number; readonly data: Uint8ClampedArray } | Uint8Array | Blob;

/**
 * A picture's pixels.
 *
 * @param name - What the caller calls it, for errors.
 * @throws `PleinairError` `shape/picture-file` for bytes of no picture that can be read here; `ShapeError` `shape/image`.
 */
export async function readPicture(name: string, input: PictureInput): Promise<RgbaImage> {
  if (input instanceof Uint8Array) return decodePng(name, input);
  if (typeof Blob !== 'undefined' && input instanceof Blob) return readBlob(name, input);
  const { width, height } = input as RgbaImage;
  const rgba = 'rgba' in input ? input.rgba : (input as { readonly data: Uint8ClampedArray }).data;
  const image = { width, height, rgba };
  checkImage(name, image);
  return image;
}

async function readBlob(name: string, blob: Blob): Promise<RgbaImage> {
  if (typeof createImageBitmap !== 'function' || typeof OffscreenCanvas !== 'function') {
    return decodePng(name, new Uint8Array(await blob.arrayBuffer()));
  }
  let bitmap: ImageBitmap;
  try {
    bitmap = await createImageBitmap(blob, { colorSpaceConversion: 'none', premultiplyAlpha: 'none' });
  } catch (cause) {
    throw unreadable(name, `bytes this browser cannot show (${blob.type || 'no type'})`, cause);
  }
  try {
    const { width, height } = bitmap;
    const context = new OffscreenCanvas(width, height).getContext('2d')!;
    context.drawImage(bitmap, 0, 0);
    const { data } = context.getImageData(0, 0, width, height);
    return { width, height, rgba: data };
  } finally {
    bitmap.close();
  }
}

/**
 * Decodes a PNG of any kind to eight bits a channel.
 *
 * @throws `PleinairError` `shape/picture-file`.
 */
export function decodePng(name: string, bytes: Uint8Array): RgbaImage {
  const signature = [0x89, 0x50, 0x4e, 0x47];
  if (!signature.every((byte, i) => bytes[i] === byte)) throw unreadable(name, describe(bytes));
  let png: ReturnType<typeof decode>;
  try {
    png = decode(bytes);
  } catch (cause) {
    throw unreadable(name, 'one that is broken', cause);
  }
  const { width, height, data, depth, palette } = png;
  const rgba = new Uint8ClampedArray(4 * width * height).fill(255);
  const eight = (value: number): number =>
    depth === 16 ? value >> 8 : depth === 8 ? value : (value * 255) / (2 ** depth - 1);
  const channels = palette ? 1 : png.channels;
  const perByte = depth < 8 ? 8 / depth : 1;
  const rowBytes = Math.ceil((width * channels) / perByte);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = 4 * (y * width + x);
      if (depth < 8) {
        const shift = 8 - depth * ((x % perByte) + 1);
        const value = (data[y * rowBytes + Math.floor(x / perByte)]! >> shift) & (2 ** depth - 1);
        rgba.set(palette ? palette[value]!.slice(0, 3) : Array.from({ length: 3 }, () => eight(value)), at);
        continue;
      }
      const from = (y * width + x) * channels;
      if (palette) rgba.set(palette[data[from]!]!.slice(0, 3), at);
      else for (let c = 0; c < 3; c++) rgba[at + c] = eight(data[from + (channels > 2 ? c : 0)]!);
    }
  }
  return { width, height, rgba };
}

function describe(bytes: Uint8Array): string {
  if (bytes[0] === 0xff && bytes[1] === 0xd8) return 'a JPEG';
  if (String.fromCharCode(...bytes.subarray(8, 12)) === 'WEBP') return 'a WebP';
  return bytes.length === 0 ? 'an empty file' : 'something else';
}

function unreadable(name: string, got: string, cause?: unknown): PleinairError {
  return new PleinairError(
    'shape/picture-file',
    `generate: expected ${name} to be a PNG, got ${got}. Convert it to PNG, or decode it and give its pixels.`,
    { cause },
  );
}
