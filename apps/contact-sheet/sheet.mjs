import { rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, extname } from 'node:path';
import sharp from 'sharp';

/**
 * @typedef {object} Cell
 * @property {{ width: number, height: number, rgba: Uint8ClampedArray | Uint8Array }} picture
 * @property {string} caption
 *
 * @typedef {object} Layout
 * @property {number | undefined} [columns] - Cells in a row.
 * @property {number | undefined} [cell] - Width of a picture on the sheet, in pixels.
 * @property {boolean} [captions]
 */

/** Endings of files that a sheet can be written to. */
export const sheetFormats = Object.freeze(['.png', '.jpg', '.jpeg', '.webp', '.avif']);

const background = '#f6f4ef';
const ink = '#2b2925';
const gap = 16;
const line = { height: 18, size: 13 };
/** Of sans-serif letters at that size, in the mean; captions are wrapped by count, as SVG 1.1 does not wrap. */
const letterWidth = 7;

/**
 * Puts pictures on one sheet, row by row, each with its caption below.
 *
 * @param {readonly Cell[]} cells - At least one; pictures may differ in size, each is fitted into the same cell.
 * @param {Layout} [layout]
 * @returns {Promise<import('sharp').Sharp>} The sheet, to be written in any format.
 */
export async function composeSheet(cells, layout = {}) {
  const columns = Math.min(cells.length, layout.columns ?? Math.ceil(Math.sqrt(cells.length)));
  const widest = Math.max(...cells.map(({ picture }) => picture.width));
  const width = layout.cell ?? widest;
  const height = Math.max(...cells.map(({ picture }) => Math.round((picture.height * width) / picture.width)));
  const lines = cells.map(({ caption }) =>
    layout.captions === false ? [] : wrap(caption, Math.max(8, Math.floor(width / letterWidth))),
  );
  const captionHeight = line.height * Math.max(...lines.map(({ length }) => length));
  const [stepX, stepY] = [width + gap, height + captionHeight + gap];
  const rows = Math.ceil(cells.length / columns);
  const parts = await Promise.all(
    cells.map(async ({ picture }, i) => {
      const [left, top] = [gap + (i % columns) * stepX, gap + Math.floor(i / columns) * stepY];
      const image = await sharp(Buffer.from(picture.rgba), {
        raw: { width: picture.width, height: picture.height, channels: 4 },
      })
        .resize({ width, height, fit: 'contain', background, kernel: width > picture.width ? 'nearest' : 'lanczos3' })
        .png()
        .toBuffer();
      const text = /** @type {string[]} */ (lines[i]);
      const caption = { input: captionSvg(text, width), left, top: top + height + 2 };
      return [{ input: image, left, top }, ...(text.length > 0 ? [caption] : [])];
    }),
  );
  return sharp({
    create: { width: gap + columns * stepX, height: gap + rows * stepY, channels: 3, background },
  })
    .composite(parts.flat())
    .removeAlpha();
}

/** A file that a sheet cannot be written to, in words. */
export class SheetPlaceError extends Error {}

/**
 * Finds out whether a sheet can be written to a file: before hours of painting, not after.
 *
 * @param {string} file
 * @throws {SheetPlaceError}
 */
export async function checkSheetPlace(file) {
  if (!sheetFormats.includes(extname(file).toLowerCase())) {
    throw new SheetPlaceError(`expected a name that ends in ${sheetFormats.join(', ')}, got ${file}. Rename it.`);
  }
  if ((await stat(file).catch(() => undefined))?.isDirectory()) {
    throw new SheetPlaceError(`expected a file, got the folder ${file}. Name a file in it.`);
  }
  const probe = besideOf(file);
  try {
    // Only writing shows that a place can be written to; access() says yes to root on read-only disks.
    await writeFile(probe, '');
    await rm(probe);
  } catch (cause) {
    const { code } = /** @type {NodeJS.ErrnoException} */ (cause);
    throw new SheetPlaceError(
      `expected a folder that can be written to, got ${dirname(file)} (${code}). Make it, or choose another.`,
      { cause },
    );
  }
}

/**
 * Writes a sheet in the format that the file's ending names, whole or not at all.
 *
 * @param {string} file
 * @param {readonly Cell[]} cells
 * @param {Layout} [layout]
 * @returns {Promise<{ width: number, height: number }>} The sheet's size in pixels.
 * @throws {SheetPlaceError}
 */
export async function writeSheet(file, cells, layout) {
  await checkSheetPlace(file);
  const sheet = await composeSheet(cells, layout);
  const format = extname(file).slice(1).toLowerCase();
  const beside = besideOf(file);
  try {
    const { width, height } = await sheet
      .toFormat(/** @type {keyof import('sharp').FormatEnum} */ (format))
      .toFile(beside);
    await rename(beside, file);
    return { width, height };
  } finally {
    await rm(beside, { force: true });
  }
}

/** @param {string} file */
const besideOf = (file) => `${file}.${process.pid}.part`;

/**
 * @param {string} text
 * @param {number} most - Letters in a line.
 * @returns {string[]} At most three lines, the last ending in "…" where more was to come.
 */
export function wrap(text, most) {
  /** @type {string[]} */
  const wrapped = [];
  for (const word of text.split(/\s+/)) {
    const last = wrapped.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= most) wrapped[wrapped.length - 1] = `${last} ${word}`;
    else wrapped.push(word);
  }
  if (wrapped.length <= 3) return wrapped;
  const third = /** @type {string} */ (wrapped[2]);
  return [...wrapped.slice(0, 2), `${third.slice(0, most - 1)}…`];
}

/**
 * @param {readonly string[]} lines
 * @param {number} width
 */
function captionSvg(lines, width) {
  const texts = lines.map((text, i) => `<text x="0" y="${(i + 1) * line.height - 5}">${escape(text)}</text>`).join('');
  return Buffer.from(
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${Math.max(1, lines.length) * line.height}" ` +
      `font-family="sans-serif" font-size="${line.size}" fill="${ink}">${texts}</svg>`,
  );
}

/** @param {string} text */
function escape(text) {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
