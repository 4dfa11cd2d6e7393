import type { Product } from './parts.js';
import { openBatch, type ProductVariant } from './variant.js';

/** How a tile is shared out: `tx × ty` invocations, each with `rows` rows and `columns` vec4 columns. */
export interface TileShape {
  readonly tx: number;
  readonly ty: number;
  readonly rows: number;
  readonly columns: number;
  /** vec4s of K staged at a time. */
  readonly depth: number;
}

/**
 * Tiles of the operands are staged in workgroup memory, each invocation multiplies a register block: for real GPUs, where
 * workgroup memory is fast and bandwidth is what a product must save. Works everywhere.
 *
 * Rows of an invocation are `ty` apart and its columns `tx` apart, so that neighbours read neighbouring vec4s of both
 * tiles; rows of the left tile are one vec4 longer than their content, which keeps them off one memory bank.
 */
export function tiledVariant(shape: TileShape): ProductVariant {
  const { tx, ty, rows, columns, depth } = shape;
  const sharedBytes = (sides: number): number => (ty * rows * (depth + 1) + tx * columns * sides * depth * 4) * 16;
  return {
    name: `tiled${ty * rows}x${tx * columns * 4}`,
    rows: () => ty * rows,
    columns: () => tx * columns,
    unsupported(product, profile) {
      const { maxComputeInvocationsPerWorkgroup, maxComputeWorkgroupStorageSize } = profile.limits;
      if (tx * ty > maxComputeInvocationsPerWorkgroup) return 'too many invocations a workgroup';
      if (sharedBytes(product.epilogue.gated ? 2 : 1) > maxComputeWorkgroupStorageSize)
        return 'too much workgroup memory';
      return undefined;
    },
    body: (product) => tiledText(product, shape),
  };
}

function tiledText(product: Product, { tx, ty, rows, columns: outColumns, depth }: TileShape): string {
  const sides = product.epilogue.gated ? 2 : 1;
  const columns = outColumns * sides;
  const threads = tx * ty;
  const tileRows = ty * rows;
  const width = tx * columns; // vec4 columns staged: the output's, then their gates
  const stride = depth + 1;
  const aLoads = Math.ceil((tileRows * depth) / threads);
  const bLoads = Math.ceil((width * depth * 4) / threads);
  const each = (count: number, text: (i: number) => string): string =>
    Array.from({ length: count }, (_, i) => text(i)).join('\n');
  const guarded = (total: number, i: number, text: string): string =>
    (i + 1) * threads <= total ? text : `if (t + ${i * threads}u < ${total}u) { ${text} }`;
  const outColumn = (c: number): string => `n0 + tx + ${c * tx}u`;
  return `var<workgroup> tile_a: array<vec4<f32>, ${tileRows * stride}>;
var<workgroup> tile_b: array<vec4<f32>, ${width * depth * 4}>;
@compute @workgroup_size(${threads})
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) t: u32,
) {
${openBatch(product)}
  let block = wid.x + wid.y * groups.x;
  if (block >= u.blocks) { return; }
  let m0 = u.m_first + (block % u.m_blocks) * ${tileRows}u;
  let n0 = (block / u.m_blocks) * ${tx * outColumns}u;
  let tx = t % ${tx}u;
  let ty = t / ${tx}u;
${each(aLoads, (i) => `  let a_row${i} = (t + ${i * threads}u) / ${depth}u;\n  let row${i} = open_row(m0 + a_row${i});`)}
  let a_k = t % ${depth}u;
${each(bLoads, (i) => {
  const n = `(t + ${i * threads}u) % ${width}u`;
  const column =
    sides === 1 ? `n0 + ${n}` : `n0 + (${n}) % ${tx * outColumns}u + select(0u, u.n4, ${n} >= ${tx * outColumns}u)`;
  return `  let b_k${i} = (t + ${i * threads}u) / ${width}u;\n  let w${i} = open_column(min(${column}, u.w_columns - 1u));`;
})}
${each(rows, (r) => each(columns, (c) => `  var acc${r}_${c} = vec4<f32>();`))}
  var k0 = 0u;
  for (var s = 0u; s < SEGMENTS; s++) {
    let length = segment_length(s);
${each(aLoads, (i) => `    let start${i} = row_start(row${i}, s);`)}
    for (var k = 0u; k < length; k += ${depth}u) {
${each(aLoads, (i) =>
  guarded(
    tileRows * depth,
    i,
    `var a${i} = vec4<f32>(); if (k + a_k < length) { a${i} = load_a(row${i}, start${i}, s, k + a_k); } tile_a[a_row${i} * ${stride}u + a_k] = a${i};`,
  ),
)}
${each(bLoads, (i) =>
  // Past the segment's end the rows of the left tile are zero; the index is kept inside the weight all the same.
  guarded(width * depth * 4, i, `tile_b[t + ${i * threads}u] = load_b(w${i}, min(k0 + 4u * k + b_k${i}, u.k - 1u));`),
)}
      workgroupBarrier();
      for (var d = 0u; d < ${depth}u; d++) {
${each(columns, (c) => each(4, (i) => `let b${c}_${i} = tile_b[(4u * d + ${i}u) * ${width}u + tx + ${c * tx}u];`))}
${each(rows, (r) => {
  const sums = each(columns, (c) => {
    const acc = `acc${r}_${c}`;
    return `${acc} = fma(vec4(a.x), b${c}_0, fma(vec4(a.y), b${c}_1, fma(vec4(a.z), b${c}_2, fma(vec4(a.w), b${c}_3, ${acc}))));`;
  });
  return `{ let a = tile_a[(ty + ${r * ty}u) * ${stride}u + d];\n${sums} }`;
})}
      }
      workgroupBarrier();
    }
    k0 += 4u * length;
  }
${each(rows, (r) =>
  each(outColumns, (c) => {
    const gate = sides === 2 ? `, acc${r}_${outColumns + c}` : '';
    return `  if (m0 + ty + ${r * ty}u < u.m_end && ${outColumn(c)} < u.n4) { finish(m0 + ty + ${r * ty}u, ${outColumn(c)}, acc${r}_${c}${gate}); }`;
  }),
)}
}`;
}
