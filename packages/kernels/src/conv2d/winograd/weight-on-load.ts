import type { DeviceProfile, Weight } from '@pleinair/tensor';
import type { ProductWeight } from '../../product/parts.js';
import type { RationalMatrix, WinogradTransforms } from './cook-toom.js';
import { filterTaps } from './filter-taps.js';
import { toNumber } from './rational.js';

/**
 * Transformed weights that never exist in memory: each is worked out from its nine taps as a product loads it. Kernels that
 * use a loaded weight for many rows pay little for it.
 */
export function filtersOnLoad(
  { filter, side }: WinogradTransforms,
  weight: Weight,
  paddedK: number,
  profile: DeviceProfile,
): ProductWeight {
  const taps = filterTaps(weight, paddedK, profile);
  const sums = [0, 1, 2].map((r) => {
    const [first, ...rest] = [0, 1, 2].map((c) => `load_tap(column, ${3 * r + c}u, k)`);
    const along = rest.reduce(
      (sum, tap, i) => `fma(vec4(filter_along[${i + 1}]), ${tap}, ${sum})`,
      `filter_along[0] * ${first!}`,
    );
    return `if (filter_down[${r}] != 0.0) { sum = fma(vec4(filter_down[${r}]), ${along}, sum); }`;
  });
  return {
    ...taps,
    text: `${taps.text}
const FILTER = ${matrixText(filter)};
// This workgroup's point: the same for all its weights, so it is looked up once.
var<private> filter_down: vec3<f32>;
var<private> filter_along: vec3<f32>;
fn open_column(n4: u32) -> ${taps.columnType} {
  filter_down = FILTER[batch / ${side}u];
  filter_along = FILTER[batch % ${side}u];
  return open_taps(n4);
}
fn load_b(column: ${taps.columnType}, k: u32) -> vec4<f32> {
  var sum = vec4<f32>();
  ${sums.join('\n  ')}
  return sum;
}`,
  };
}

function matrixText(matrix: RationalMatrix): string {
  const rows = matrix.map((row) => `vec3<f32>(${row.map(toNumber).join(', ')})`);
  return `array<vec3<f32>, ${rows.length}>(${rows.join(', ')})`;
}
