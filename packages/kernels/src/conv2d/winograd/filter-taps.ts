import type { DeviceProfile, Weight } from '@pleinair/tensor';
import type { ProductWeight } from '../../product/parts.js';
import { blockedWeight } from '../../product/weight-loader.js';

/** The nine taps of a convolution's weight as it lies for the direct kernel, floats or palettized. */
export interface FilterTaps extends ProductWeight {
  /** Type of an opened column. */
  readonly columnType: string;
}

/**
 * A convolution's weight under other names, for kernels that work transformed weights out of it: `open_taps(n4)` gives a
 * column and `load_tap(column, tap, k)` its four outputs of channel k. Whatever storage the direct kernels decode as they
 * load is decoded here as well.
 *
 * @param paddedK - Channels of all inputs, each padded to 4.
 */
export function filterTaps(weight: Weight, paddedK: number, profile: DeviceProfile): FilterTaps {
  // Its taps are read one by one, so its other texts are of no use.
  const { heldText: _held, stagedText: _staged, ...base } = blockedWeight(weight, profile);
  // Its K' runs over taps and channels, that of the Winograd products over channels alone.
  const renamed = base.text
    .replaceAll('open_column', 'open_taps')
    .replaceAll('load_b', 'load_row')
    .replaceAll(/\bu\.k\b/g, `(9u * u.taps_k)`);
  const columnType = /fn open_taps\(n4: u32\) -> (\w+)/.exec(renamed)![1]!;
  return {
    ...base,
    columnType,
    uniforms: { ...base.uniforms, taps_k: 'u32' },
    values: { ...base.values, taps_k: paddedK },
    text: `${renamed}
fn load_tap(column: ${columnType}, tap: u32, k: u32) -> vec4<f32> {
  return load_row(column, tap * u.taps_k + k);
}`,
  };
}
