import type { DeviceProfile } from '@pleinair/tensor';
import { takesHalves, type Product } from './parts.js';
import { openBatch, segmentRange, stagedWeight, type ProductVariant } from './variant.js';

/** How a tile is shared out: `tx × ty` invocations, each with `rows` rows and `columns` vec4 columns. */
export interface TileShape {
  readonly tx: number;
  readonly ty: number;
  readonly rows: number;
  readonly columns: number;
  /** vec4s of K staged at a time. */
  readonly depth: number;
  /** Stage operands that may be rounded so in half floats: half the workgroup memory, and half its traffic. */
  readonly halves?: boolean;
}

/**
 * Tiles of the operands are staged in workgroup memory, each invocation multiplies a register block: for real GPUs, where
 * workgroup memory is fast and bandwidth is what a product must save. Works everywhere.
 *
 * Rows of an invocation are `ty` apart and its columns `tx` apart, so that neighbours read neighbouring vec4s of both
 * tiles; rows of the left tile are one vec4 longer than their content, which keeps them off one memory bank.
 */
export function tiledVariant(shape: TileShape): ProductVariant {
  const { tx, ty, rows, columns, depth, halves = false } = shape;
  const sharedBytes = (sides: number): number =>
    (ty * rows * (depth + 1) + tx * columns * sides * depth * 4) * (halves ? 8 : 16);
  const stagedText = (product: Product, profile: DeviceProfile): string | undefined => {
    const { gated, moments = false } = product.epilogue;
    const taken = sharedBytes(gated ? 2 : 1) + (moments ? tx * ty * 16 : 0);
    return stagedWeight(product, profile, { threads: tx * ty, taken });
  };
  return {
    name: `tiled${ty * rows}x${tx * columns * 4}${halves ? 'h' : ''}`,
    enables: halves ? ['f16'] : [],
    madeFor: 'gpus',
    takesMoments: true,
    rows: () => ty * rows,
    columns: () => tx * columns,
    unsupported(product, profile) {
      const { maxComputeInvocationsPerWorkgroup, maxComputeWorkgroupStorageSize } = profile.limits;
      if (tx * ty > maxComputeInvocationsPerWorkgroup) return 'too many invocations a workgroup';
      if (sharedBytes(product.epilogue.gated ? 2 : 1) > maxComputeWorkgroupStorageSize)
        return 'too much workgroup memory';
      if (halves && !profile.features.shaderF16) return 'the adapter has no shader-f16';
      if (halves && !takesHalves(product)) return 'its operands are not stored in halves';
      return undefined;
    },
    weightText: stagedText,
    body: (product, profile) => tiledText(product, shape, stagedText(product, profile) !== undefined),
  };
}

/**
 * The moments of a workgroup's rows of column c, whose invocations are `ty` and hold the finished values. All take them
 * about one shift, the first row's value, so that plain sums join them; they meet in workgroup memory.
 */
function blockMoments(c: number, column: string, { tx, ty, rows }: Pick<TileShape, 'tx' | 'ty' | 'rows'>): string {
  const each = (text: (r: number) => string): string => Array.from({ length: rows }, (_, r) => text(r)).join('\n');
  const joined = `var joined = vec4<f32>();
    for (var i = 0u; i < ${ty}u; i++) { joined += meeting[i * ${tx}u + tx]; }`;
  return `  {
    if (ty == 0u) { meeting[tx] = acc0_${c}; }
    workgroupBarrier();
    let shift = meeting[tx];
    var sum = vec4<f32>();
    var squares = vec4<f32>();
${each((r) => `    if (m0 + ty + ${r * ty}u < u.m_end) { let d = acc${r}_${c} - shift; sum += d; squares += d * d; }`)}
    workgroupBarrier();
    meeting[t] = sum;
    workgroupBarrier();
    ${joined}
    workgroupBarrier();
    meeting[t] = squares;
    workgroupBarrier();
    let sums = joined;
    ${joined.replace('var joined', 'joined')}
    if (ty == 0u && ${column} < u.n4) {
      let count = f32(min(${ty * rows}u, u.m_end - m0));
      store_moments(block % u.m_blocks, ${column}, Moments(count, shift, sums, joined));
    }
    workgroupBarrier();
  }`;
}

function tiledText(
  product: Product,
  { tx, ty, rows, columns: outColumns, depth, halves = false }: TileShape,
  stagedWeights: boolean,
): string {
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
  const type = halves ? 'vec4<f16>' : 'vec4<f32>';
  const staged = (value: string): string => (halves ? `vec4<f16>(${value})` : value);
  const taken = (value: string): string => (halves ? `vec4<f32>(${value})` : value);
  const { moments } = product.epilogue;
  return `${moments ? `var<workgroup> meeting: array<vec4<f32>, ${threads}>;\n` : ''}var<workgroup> tile_a: array<${type}, ${tileRows * stride}>;
var<workgroup> tile_b: array<${type}, ${width * depth * 4}>;
@compute @workgroup_size(${threads})
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) t: u32,
) {
${openBatch(product)}
${stagedWeights ? '  stage_weight(t);' : ''}
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
    ${segmentRange(product)}
    for (var k = first_k; k < end_k; k += ${depth}u) {
${each(aLoads, (i) =>
  guarded(
    tileRows * depth,
    i,
    `var a${i} = vec4<f32>(); if (k + a_k < end_k) { a${i} = load_a(row${i}, start${i}, s, k + a_k); } tile_a[a_row${i} * ${stride}u + a_k] = ${staged(`a${i}`)};`,
  ),
)}
${each(bLoads, (i) =>
  // Past the segment's end the rows of the left tile are zero; the index is kept inside the weight all the same.
  guarded(
    width * depth * 4,
    i,
    `tile_b[t + ${i * threads}u] = ${staged(`load_b(w${i}, min(k0 + 4u * k + b_k${i}, u.k - 1u))`)};`,
  ),
)}
      workgroupBarrier();
      for (var d = 0u; d < ${depth}u; d++) {
${each(columns, (c) => each(4, (i) => `let b${c}_${i} = ${taken(`tile_b[(4u * d + ${i}u) * ${width}u + tx + ${c * tx}u]`)};`))}
${each(rows, (r) => {
  const sums = each(columns, (c) => {
    const acc = `acc${r}_${c}`;
    return `${acc} = fma(vec4(a.x), b${c}_0, fma(vec4(a.y), b${c}_1, fma(vec4(a.z), b${c}_2, fma(vec4(a.w), b${c}_3, ${acc}))));`;
  });
  return `{ let a = ${taken(`tile_a[(ty + ${r * ty}u) * ${stride}u + d]`)};\n${sums} }`;
})}
      }
      workgroupBarrier();
    }
    k0 += 4u * length;
  }
${each(rows, (r) =>
  each(outColumns, (c) => {
    const gate = sides === 2 ? `, acc${r}_${outColumns + c}` : '';
    const finish = `finish(m0 + ty + ${r * ty}u, ${outColumn(c)}, acc${r}_${c}${gate})`;
    return `  if (m0 + ty + ${r * ty}u < u.m_end && ${outColumn(c)} < u.n4) { ${moments ? `acc${r}_${c} = ${finish}` : finish}; }`;
  }),
)}
${moments ? each(outColumns, (c) => blockMoments(c, outColumn(c), { tx, ty, rows })) : ''}
}`;
}
