import type { RgbaImage } from 'pleinair';
import sharp from 'sharp';
import { invalid } from './api-error.js';

/** Pixels of the largest picture that is decoded: what cameras make, no bomb. */
const mostPixels = 64_000_000;

/** Sides are brought down to this, as many requests may wait; models paint at less. */
const longestSide = 2048;

/**
 * Reads a picture that a client sent: upright, in RGBA, at most 2048 pixels a side.
 *
 * @param name - Of the field, for failures.
 * @throws {@link ApiError} 400 for bytes of no PNG, JPEG or WebP.
 */
export async function readUpload(name: string, bytes: Uint8Array): Promise<RgbaImage> {
  // Asked of the bytes: libvips reads a good many formats more, some of which follow addresses in the file.
  if (!isPng(bytes) && !isJpeg(bytes) && !isWebp(bytes)) {
    throw invalid(name, `${name}: expected a PNG, JPEG or WebP file, got something else.`, 'invalid_image_format');
  }
  try {
    const { data, info } = await sharp(bytes, { limitInputPixels: mostPixels })
      .autoOrient()
      .resize({ width: longestSide, height: longestSide, fit: 'inside', withoutEnlargement: true })
      .toColourspace('srgb')
      .ensureAlpha()
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true });
    return { width: info.width, height: info.height, rgba: new Uint8ClampedArray(data) };
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw invalid(name, `${name}: expected a picture that can be read, got "${message}".`, 'invalid_image_format');
  }
}

/** A picture with what is transparent on white. */
export function onWhite({ width, height, rgba }: RgbaImage): RgbaImage {
  const flat = new Uint8ClampedArray(rgba.length).fill(255);
  for (let i = 0; i < rgba.length; i += 4) {
    const alpha = rgba[i + 3]! / 255;
    for (let c = 0; c < 3; c++) flat[i + c] = 255 + (rgba[i + c]! - 255) * alpha;
  }
  return { width, height, rgba: flat };
}

/** The API's mask, transparent where to paint, as the pipelines': white there, black elsewhere. */
export function maskOf({ width, height, rgba }: RgbaImage): RgbaImage {
  const mask = new Uint8ClampedArray(rgba.length);
  for (let i = 0; i < rgba.length; i += 4) {
    mask.fill(255 - rgba[i + 3]!, i, i + 3);
    mask[i + 3] = 255;
  }
  return { width, height, rgba: mask };
}

/** Whether anything in a picture is transparent. */
export function isTransparent({ rgba }: RgbaImage): boolean {
  for (let i = 3; i < rgba.length; i += 4) if (rgba[i] !== 255) return true;
  return false;
}

function isPng(bytes: Uint8Array): boolean {
  return startsWith(bytes, 0, [0x89, 0x50, 0x4e, 0x47]);
}

function isJpeg(bytes: Uint8Array): boolean {
  return startsWith(bytes, 0, [0xff, 0xd8, 0xff]);
}

function isWebp(bytes: Uint8Array): boolean {
  return startsWith(bytes, 0, [0x52, 0x49, 0x46, 0x46]) && startsWith(bytes, 8, [0x57, 0x45, 0x42, 0x50]);
}

function startsWith(bytes: Uint8Array, at: number, start: readonly number[]): boolean {
  return start.every((byte, i) => bytes[at + i] === byte);
}
