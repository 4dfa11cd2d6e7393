import { encodePng, type PngPixels } from 'pleinair';
import sharp, { type Sharp } from 'sharp';

/** Formats of the API. */
export const pictureFormats = ['png', 'jpeg', 'webp'] as const;

/** One of {@link pictureFormats}; also what follows `image/` in its media type. */
export type PictureFormat = (typeof pictureFormats)[number];

/** How pictures are written. */
export interface Encoding {
  readonly format: PictureFormat;
  /** 0 to 100, JPEG's and WebP's; the higher, the better and larger. */
  readonly quality: number;
}

/**
 * A picture as a file. Settings go into a PNG's text chunks whole; into the others' EXIF comment as the `parameters` text
 * that programs for Stable Diffusion read, in ASCII: libvips writes no other.
 *
 * @param text - As `pictureSettings()` gives it.
 */
export async function encodePicture(
  pixels: PngPixels,
  { format, quality }: Encoding,
  text: Readonly<Record<string, string>> = {},
): Promise<Buffer> {
  if (format === 'png') return Buffer.from(encodePng(pixels, text));
  const opaque = sharpOf(pixels).removeAlpha();
  const least = Math.max(1, Math.round(quality)); // sharp takes nothing less
  // Half the colours' resolution, JPEG's usual saving, shows at edges that quality is asked for.
  const image =
    format === 'jpeg'
      ? opaque.jpeg({ quality: least, chromaSubsampling: least > 90 ? '4:4:4' : '4:2:0' })
      : opaque.webp({ quality: least });
  const { parameters } = text;
  return (parameters === undefined ? image : image.withExif({ IFD2: { UserComment: parameters } })).toBuffer();
}

/** Pixels at another size, by Lanczos' filter; the same ones where the size is theirs. */
export async function resized(pixels: PngPixels, width: number, height: number): Promise<PngPixels> {
  if (pixels.width === width && pixels.height === height) return pixels;
  const rgba = await sharpOf(pixels).resize({ width, height, fit: 'fill', kernel: 'lanczos3' }).raw().toBuffer();
  return { width, height, rgba };
}

function sharpOf({ width, height, rgba }: PngPixels): Sharp {
  const bytes = Buffer.from(rgba.buffer, rgba.byteOffset, rgba.byteLength);
  return sharp(bytes, { raw: { width, height, channels: 4 } });
}
