import type { DeviceProfile, Weight } from '@pleinair/tensor';
import { weightBuffer } from '../shader/declare.js';
import { blockVec4s, blockWidth } from './layout.js';
import { palettizedWeight } from './palettized-weight.js';
import type { ProductWeight } from './parts.js';

/** Weights in the blocked layout of {@link linearLayout}: f32 or f16 as the weight's storage says, or palettized. */
export function blockedWeight(weight: Weight, profile: DeviceProfile): ProductWeight {
  if (weight.palette) return palettizedWeight(weight);
  return {
    kind: 'weight',
    columns: Math.ceil(weight.source.shape[0]! / blockWidth) * blockVec4s,
    operands: [{ declaration: weightBuffer('w', weight, profile), source: weight }],
    uniforms: {},
    values: {},
    text: `fn open_column(n4: u32) -> u32 { return (n4 / ${blockVec4s}u) * u.k * ${blockVec4s}u + n4 % ${blockVec4s}u; }
fn load_b(column: u32, k: u32) -> vec4<f32> { return load_w(column + k * ${blockVec4s}u); }`,
  };
}
