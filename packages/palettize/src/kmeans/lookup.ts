import { fromHalfBits } from '@pleinair/tensor';
import { halfOfKey, keyCount, keyOfHalf, valueOfKey, zeroKey } from './half-order.js';
import { isNearer, type Palette } from './palette.js';

/**
 * The index of the nearest entry for every half: `lookup[halfBits]`. Both zeros have the same; infinities and NaN, which
 * palettes are never made for, have 0.
 *
 * @param into - At least 65,536 long; taken instead of new memory.
 */
export function paletteLookup(
  { entries, used }: Pick<Palette, 'entries' | 'used'>,
  into: Uint8Array<ArrayBuffer> = new Uint8Array(65536),
): Uint8Array<ArrayBuffer> {
  into.fill(0);
  let first = 0;
  for (let i = 0; i < used; i++) {
    const end = i + 1 < used ? firstNearer(entries[i]!, entries[i + 1]!) : keyCount;
    fillKeys(into, first, end, i);
    first = end;
  }
  into[0x8000] = into[0]!;
  return into;
}

/** The first key whose value lies nearer to `high` than to `low`. */
function firstNearer(low: number, high: number): number {
  const [lowValue, highValue] = [fromHalfBits(low), fromHalfBits(high)];
  let first = keyOfHalf(low) + 1;
  let last = keyOfHalf(high);
  while (first < last) {
    const middle = (first + last) >> 1;
    if (isNearer(valueOfKey(middle), lowValue, highValue)) last = middle;
    else first = middle + 1;
  }
  return first;
}

/** Sets all halves with keys from `first` to `end` (not included); those of one sign are consecutive. */
function fillKeys(lookup: Uint8Array, first: number, end: number, index: number): void {
  if (first < zeroKey) lookup.fill(index, halfOfKey(Math.min(end, zeroKey) - 1), halfOfKey(first) + 1);
  if (end > zeroKey) lookup.fill(index, halfOfKey(Math.max(first, zeroKey)), halfOfKey(end - 1) + 1);
}
