import { expect, it } from 'vitest';
import type { SyncAccess } from './opfs-folder.js';
import { writeInPlace } from './write-in-place.js';

/** A file that has room for so many bytes, and what a write that does not fit returns. */
class FullFile {
  readonly content: number[] = [];
  constructor(
    private readonly room: number,
    private readonly full: (fitted: number) => number,
  ) {}

  write(bytes: Uint8Array, { at }: { at: number }): number {
    const fits = Math.min(bytes.length, this.room - at);
    bytes.subarray(0, fits).forEach((byte, i) => (this.content[at + i] = byte));
    return fits === bytes.length ? fits : this.full(fits);
  }
}

const bytes = Uint8Array.of(1, 2, 3, 4, 5);
const write = (file: FullFile, position = 0): void => writeInPlace(file as unknown as SyncAccess, bytes, position);

it('writes what is taken in parts', () => {
  let part = 0;
  const content: number[] = [];
  const byTwo = {
    write(rest: Uint8Array, { at }: { at: number }) {
      part++;
      rest.subarray(0, 2).forEach((byte, i) => (content[at + i] = byte));
      return Math.min(2, rest.length);
    },
  };
  writeInPlace(byTwo as unknown as SyncAccess, bytes, 1);
  expect(content).toEqual([undefined, 1, 2, 3, 4, 5]);
  expect(part).toBe(3);
});

it.each([
  ['what fitted, as Firefox does', (fitted: number) => fitted],
  ['its error as an unsigned number, as Chromium does', () => -8 >>> 0],
  ['a negative number', () => -8],
])('is told of a full storage by %s', (_, full) => {
  const file = new FullFile(8, full);
  write(file);
  expect(() => write(file, 5)).toThrow(expect.objectContaining({ name: 'QuotaExceededError' }) as Error);
  expect(file.content).toEqual([1, 2, 3, 4, 5, 1, 2, 3]);
});
