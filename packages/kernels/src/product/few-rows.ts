import type { DeviceProfile } from '@pleinair/tensor';
import { blockVec4s } from './layout.js';
import type { Product } from './parts.js';
import { openBatch, segmentRange, stagedWeight, type ProductVariant } from './variant.js';

const slices = 16;
const threads = blockVec4s * slices;

/**
 * For a handful of rows, where a tile would be mostly air: a workgroup takes one block of columns and shares K out over
 * 16 slices of invocations, whose sums meet in workgroup memory.
 *
 * @param rows - Rows a workgroup computes.
 */
export function fewRowsVariant(rows: number): ProductVariant {
  return {
    name: `few${rows}`,
    madeFor: 'gpus',
    rows: () => rows,
    columns: () => blockVec4s,
    unsupported(product, profile) {
      if (product.epilogue.gated) return 'gated products come with many rows';
      if (threads * rows * 16 > profile.limits.maxComputeWorkgroupStorageSize) return 'too much workgroup memory';
      return undefined;
    },
    weightText: (product, profile) => stagedText(product, profile, rows),
    body: (product, profile) => fewRowsText(product, rows, stagedText(product, profile, rows) !== undefined),
  };
}

function stagedText(product: Product, profile: DeviceProfile, rows: number): string | undefined {
  return stagedWeight(product, profile, { threads, taken: threads * rows * 16 });
}

function fewRowsText(product: Product, rows: number, staged: boolean): string {
  const each = (text: (r: number) => string): string => Array.from({ length: rows }, (_, r) => text(r)).join('\n');
  return `var<workgroup> partial: array<vec4<f32>, ${threads * rows}>;
@compute @workgroup_size(${threads})
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) t: u32,
) {
${openBatch(product)}
${staged ? '  stage_weight(t);' : ''}
  let block = wid.x + wid.y * groups.x;
  if (block >= u.blocks) { return; }
  let m0 = u.m_first + (block % u.m_blocks) * ${rows}u;
  let n = (block / u.m_blocks) * ${blockVec4s}u + t % ${blockVec4s}u;
  let slice = t / ${blockVec4s}u;
  let column = open_column(min(n, u.w_columns - 1u));
${each((r) => `  let row${r} = open_row(m0 + ${r}u);\n  var acc${r} = vec4<f32>();`)}
  var k0 = 0u;
  for (var s = 0u; s < SEGMENTS; s++) {
    let length = segment_length(s);
${each((r) => `    let start${r} = row_start(row${r}, s);`)}
    ${segmentRange(product)}
    for (var k = first_k + slice; k < end_k; k += ${slices}u) {
      let at = k0 + 4u * k;
      let b0 = load_b(column, at);
      let b1 = load_b(column, at + 1u);
      let b2 = load_b(column, at + 2u);
      let b3 = load_b(column, at + 3u);
${each(
  (r) =>
    `      { let a = load_a(row${r}, start${r}, s, k); acc${r} = fma(vec4(a.x), b0, fma(vec4(a.y), b1, fma(vec4(a.z), b2, fma(vec4(a.w), b3, acc${r})))); }`,
)}
    }
    k0 += 4u * length;
  }
${each((r) => `  partial[${r * threads}u + t] = acc${r};`)}
  workgroupBarrier();
  // Each of the first invocations adds up one row of one column.
  if (t < ${rows * blockVec4s}u) {
    let r = t / ${blockVec4s}u;
    let c = t % ${blockVec4s}u;
    var sum = vec4<f32>();
    for (var i = 0u; i < ${slices}u; i++) { sum += partial[r * ${threads}u + i * ${blockVec4s}u + c]; }
    let column4 = (block / u.m_blocks) * ${blockVec4s}u + c;
    if (m0 + r < u.m_end && column4 < u.n4) { finish(m0 + r, column4, sum); }
  }
}`;
}
