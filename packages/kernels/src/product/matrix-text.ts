import type { MatrixPlan } from './matrix-plan.js';
import type { Product } from './parts.js';
import { openBatch, segmentRange } from './variant.js';

/**
 * The body of a kernel on matrix units. What an extension gives is confined to three aliases, three calls and the builtin
 * `subgroup_id`.
 *
 * Barriers are in control flow that is uniform over the workgroup, matrix calls in control flow that is uniform over a
 * subgroup: a subgroup without a tile skips the latter only.
 */
export function matrixText(product: Product, plan: MatrixPlan, stagedWeights: boolean): string {
  const { tile, shape, depth, strideA, strideB, subtiles, threads, sides, onePass } = plan;
  const { component, m, n, k } = shape;
  const each = (count: number, text: (i: number) => string): string =>
    Array.from({ length: count }, (_, i) => text(i)).join('\n');
  // Tiles are arrays of vec4s, and so are offsets and strides of the matrices in them.
  const depth4 = depth / 4;
  const strideA4 = strideA / 4;
  const strideB4 = strideB / 4;
  const columns4 = tile.columns / 4;
  const staged4 = columns4 * sides; // vec4 columns staged: the output's, then their gates
  const down = tile.subgroupRows / m;
  const across = tile.subgroupColumns / n;
  const perRow = tile.columns / tile.subgroupColumns;
  const aLoads = Math.ceil((tile.rows * depth4) / threads);
  const bLoads = Math.ceil((staged4 * depth) / threads);
  const guarded = (total: number, i: number, text: string): string =>
    (i + 1) * threads <= total ? text : `if (t + ${i * threads}u < ${total}u) { ${text} }`;
  const columnOf = (i: number): string => {
    const n4 = `(t + ${i * threads}u) % ${staged4}u`;
    return sides === 1 ? `n0 + ${n4}` : `n0 + (${n4}) % ${columns4}u + select(0u, u.n4, ${n4} >= ${columns4}u)`;
  };
  const matrix4 = (m * n) / 4;
  // Accumulators: side, then row and column of matrices within the subgroup's tile.
  const accumulators = Array.from({ length: sides * down * across }, (_, i) => ({
    name: `acc${i}`,
    side: Math.floor(i / (down * across)),
    row: Math.floor(i / across) % down,
    column: i % across,
  }));
  const multiply = (step: number): string =>
    [
      ...Array.from(
        { length: down },
        (_, i) =>
          `let left${step}_${i} = subgroupMatrixLoad<Left, row_major>(&tile_a, (row_at + ${i * m}u) * ${strideA4}u + ${(step * k) / 4}u, ${strideA4}u);`,
      ),
      ...Array.from({ length: sides * across }, (_, j) => {
        const column = Math.floor(j / across) * tile.columns + (j % across) * n;
        const right = `right${step}_${j}`;
        const sums = accumulators
          .filter(({ side, column: c }) => side * across + c === j)
          .map(({ name, row }) => `${name} = subgroupMatrixMultiplyAccumulate(left${step}_${row}, ${right}, ${name});`);
        return `let ${right} = subgroupMatrixLoad<Right, row_major>(&tile_b, ${step * k * strideB4 + column / 4}u + column_at, ${strideB4}u);\n${sums.join('\n')}`;
      }),
    ].join('\n');
  const results = subtiles * matrix4;
  const finish = (i: number): string => {
    const [value, gate] = accumulators.filter(({ row, column }) => row * across + column === i);
    return `    if (mine) {
      subgroupMatrixStore<row_major>(&tile_out, subgroup * ${matrix4}u, ${value!.name}, ${n / 4}u);
${gate ? `      subgroupMatrixStore<row_major>(&tile_out, ${results}u + subgroup * ${matrix4}u, ${gate.name}, ${n / 4}u);` : ''}
    }
    workgroupBarrier();
    for (var e = t; e < ${results}u; e += ${threads}u) {
      let slot = e / ${matrix4}u;
      let done = pass_first + slot;
      let row = m0 + (done / ${perRow}u) * ${tile.subgroupRows}u + ${value!.row * m}u + (e % ${matrix4}u) / ${n / 4}u;
      let column = n0 + (done % ${perRow}u) * ${tile.subgroupColumns / 4}u + ${(value!.column * n) / 4}u + e % ${n / 4}u;
      if (slot < subgroups && done < ${subtiles}u && row < u.m_end && column < u.n4) {
        finish(row, column, tile_out[e]${gate ? `, tile_out[${results}u + e]` : ''});
      }
    }
    workgroupBarrier();`;
  };
  return `alias Left = subgroup_matrix_left<${component}, ${k}, ${m}>;
alias Right = subgroup_matrix_right<${component}, ${n}, ${k}>;
alias Sums = subgroup_matrix_result<f32, ${n}, ${m}>;
var<workgroup> tile_a: array<vec4<${component}>, ${tile.rows * strideA4}>;
var<workgroup> tile_b: array<vec4<${component}>, ${depth * strideB4}>;
var<workgroup> tile_out: array<vec4<f32>, ${results * sides}>;
@compute @workgroup_size(${threads})
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) t: u32,
  @builtin(subgroup_id) subgroup: u32,
  @builtin(subgroup_size) lanes: u32,
) {
${openBatch(product)}
${stagedWeights ? '  stage_weight(t);' : ''}
  let block = wid.x + wid.y * groups.x;
  if (block >= u.blocks) { return; }
  let m0 = u.m_first + (block % u.m_blocks) * ${tile.rows}u;
  let n0 = (block / u.m_blocks) * ${columns4}u;
${each(aLoads, (i) => `  let row${i} = open_row(m0 + (t + ${i * threads}u) / ${depth4}u);`)}
${each(bLoads, (i) => `  let w${i} = open_column(min(${columnOf(i)}, u.w_columns - 1u));`)}
  let a_k = t % ${depth4}u;
  // Each subgroup has a tile; where subgroups are larger than expected and so fewer, the tiles go in passes.
  let subgroups = ${threads}u / lanes;
  ${onePass ? '{ let pass_first = 0u;' : `for (var pass_first = 0u; pass_first < ${subtiles}u; pass_first += subgroups) {`}
    let mine = subgroup < subgroups && pass_first + subgroup < ${subtiles}u;
    let row_at = ((pass_first + subgroup) / ${perRow}u) * ${tile.subgroupRows}u;
    let column_at = ((pass_first + subgroup) % ${perRow}u) * ${tile.subgroupColumns / 4}u;
${each(accumulators.length, (i) => `    var acc${i}: Sums;`)}
    var k0 = 0u;
    for (var s = 0u; s < SEGMENTS; s++) {
      let length = segment_length(s);
${each(aLoads, (i) => `      let start${i} = row_start(row${i}, s);`)}
      ${segmentRange(product)}
      for (var k = first_k; k < end_k; k += ${depth4}u) {
        // Loads are on their way before the barrier, while other subgroups still multiply.
${each(aLoads, (i) => `        var a${i} = vec4<f32>();\n${guarded(tile.rows * depth4, i, `if (k + a_k < end_k) { a${i} = load_a(row${i}, start${i}, s, k + a_k); }`)}`)}
${each(
  bLoads,
  (i) =>
    // Past the range's end the rows of the left tile are zero; the index is kept inside the weight all the same.
    guarded(
      staged4 * depth,
      i,
      `let b_k${i} = (t + ${i * threads}u) / ${staged4}u; b${i} = load_b(w${i}, min(k0 + 4u * k + b_k${i}, u.k - 1u));`,
    ).replace(/^/u, `        var b${i} = vec4<f32>();\n        { `) + ' }',
)}
        workgroupBarrier();
${each(aLoads, (i) => guarded(tile.rows * depth4, i, `tile_a[((t + ${i * threads}u) / ${depth4}u) * ${strideA4}u + a_k] = vec4<${component}>(a${i});`))}
${each(bLoads, (i) => guarded(staged4 * depth, i, `tile_b[((t + ${i * threads}u) / ${staged4}u) * ${strideB4}u + (t + ${i * threads}u) % ${staged4}u] = vec4<${component}>(b${i});`))}
        workgroupBarrier();
        if (mine) {
${each(depth / k, multiply)}
        }
      }
      k0 += 4u * length;
    }
${each(down * across, finish)}
  }
}`;
}
