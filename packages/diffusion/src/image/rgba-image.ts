import { ShapeError } from '@pleinair/tensor';

/** A picture in memory; a canvas's `ImageData` with its `data` called `rgba`. */
export interface RgbaImage {
  readonly width: number;
  readonly height: number;
  /** RGBA8, `4 · width · height` bytes; alpha is not looked at. */
  readonly rgba: Uint8Array | Uint8ClampedArray;
}

/**
 * Checks that a picture has as many bytes as its size says.
 *
 * @param name - What the caller calls it.
 * @throws ShapeError `shape/image`.
 */
export function checkImage(name: string, image: RgbaImage): void {
  const { width, height, rgba } = image;
  const sized = Number.isInteger(width) && Number.isInteger(height) && width > 0 && height > 0;
  if (sized && rgba.length === 4 * width * height) return;
  throw new ShapeError(
    'shape/image',
    `generate: expected ${name} to have 4 bytes for each of ${String(width)}×${String(height)} pixels, got ${rgba.length}. ` +
      'Decode the picture to RGBA first.',
  );
}

/** A rectangle of a picture, in pixels: from its left and top, to what lies right of and below it. */
export interface Region {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** A part of a picture. The region lies within it. */
export function crop(image: RgbaImage, { left, top, right, bottom }: Region): RgbaImage {
  const [width, height] = [right - left, bottom - top];
  const rgba = new Uint8ClampedArray(4 * width * height);
  for (let y = 0; y < height; y++) {
    const from = 4 * ((top + y) * image.width + left);
    rgba.set(image.rgba.subarray(from, from + 4 * width), 4 * y * width);
  }
  return { width, height, rgba };
}

/** Puts a picture into another at a place, which it lies within. */
export function pasteAt(image: RgbaImage, piece: RgbaImage, left: number, top: number): RgbaImage {
  const rgba = Uint8ClampedArray.from(image.rgba);
  for (let y = 0; y < piece.height; y++) {
    const row = piece.rgba.subarray(4 * y * piece.width, 4 * (y + 1) * piece.width);
    rgba.set(row, 4 * ((top + y) * image.width + left));
  }
  return { ...image, rgba };
}
