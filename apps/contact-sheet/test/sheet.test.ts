import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readPrompts } from '../prompts.mjs';
import { checkSheetPlace, composeSheet, SheetPlaceError, wrap, writeSheet } from '../sheet.mjs';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'contact-sheet-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A picture of one colour. */
const flat = (r: number, g: number, b: number, width = 32, height = 32) => ({
  width,
  height,
  rgba: Uint8ClampedArray.from({ length: 4 * width * height }, (_, i) => [r, g, b, 255][i % 4]!),
});
const cells = [
  { picture: flat(255, 0, 0), caption: 'red <&>' },
  { picture: flat(0, 255, 0), caption: 'green' },
  { picture: flat(0, 0, 255, 32, 16), caption: 'blue, half as high' },
];

it('reads prompts a line, without remarks', () => {
  expect(readPrompts('# one\n\na sea\r\n  hills \n#x')).toEqual(['a sea', 'hills']);
});

it('wraps captions by words, into three lines at most', () => {
  expect(wrap('a snowy mountain under a moon', 12)).toEqual(['a snowy', 'mountain', 'under a moon']);
  expect(wrap('one two three four five', 5)).toEqual(['one', 'two', 'thre…']);
});

describe('a sheet', () => {
  it('has every picture in its place', async () => {
    const image = await composeSheet(cells, { columns: 2, captions: false });
    const { data, info } = await image.raw().toBuffer({ resolveWithObject: true });
    expect([info.width, info.height]).toEqual([16 + 2 * 48, 16 + 2 * 48]);
    const at = (x: number, y: number) => [...data.subarray((y * info.width + x) * 3, (y * info.width + x) * 3 + 3)];
    expect(at(16 + 16, 16 + 16)).toEqual([255, 0, 0]);
    expect(at(64 + 16, 16 + 16)).toEqual([0, 255, 0]);
    expect(at(16 + 16, 64 + 16)).toEqual([0, 0, 255]);
    expect(at(2, 2)).toEqual([0xf6, 0xf4, 0xef]);
  });

  it('has captions below, in dark on light', async () => {
    const image = await composeSheet(cells, { columns: 3, cell: 96 });
    const { data, info } = await image.raw().toBuffer({ resolveWithObject: true });
    const below = (column: number) => {
      let darkest = 255;
      for (let y = 16 + 96; y < info.height - 16; y++)
        for (let x = 16 + column * 112; x < 16 + column * 112 + 96; x++) {
          darkest = Math.min(darkest, data[(y * info.width + x) * 3]!);
        }
      return darkest;
    };
    for (const column of [0, 1, 2]) expect(below(column)).toBeLessThan(128);
  });

  it.each(['.png', '.jpg', '.webp'])('is written as its ending says: %s', async (ending) => {
    const file = join(folder, `sheet${ending}`);
    const size = await writeSheet(file, cells, { columns: 1 });
    const { format, width, height } = await sharp(file).metadata();
    expect({ width, height }).toEqual(size);
    expect(format).toBe(ending === '.jpg' ? 'jpeg' : ending.slice(1));
  });

  it('takes the place of the one before, whole', async () => {
    const file = join(folder, 'sheet.PNG');
    writeFileSync(file, 'before');
    await writeSheet(file, cells);
    expect((await sharp(file).metadata()).format).toBe('png');
    expect(readdirSync(folder)).toEqual(['sheet.PNG']);
  });

  it.each([
    ['sheet.txt', 'png, .jpg'],
    ['.', 'expected a name'],
    ['folder.png', 'got the folder'],
    ['none/sheet.png', 'none \\(ENOENT\\)'],
  ])('is refused at %s, and leaves nothing', async (name, words) => {
    mkdirSync(join(folder, 'folder.png'));
    await expect(writeSheet(join(folder, name), cells)).rejects.toThrow(new RegExp(words));
    await expect(checkSheetPlace(join(folder, name))).rejects.toBeInstanceOf(SheetPlaceError);
    expect(readdirSync(folder)).toEqual(['folder.png']);
  });
});
