import type { MatrixPlan } from './matrix.js';
import type { Product } from './parts.js';
import { openBatch, segmentRange } from './variant.js';

/**
 * The body of a kernel on matrix units. What an extension gives is confined to three aliases, three calls and the builtin
 * `subgroup_id`.
 *
 * Barriers are in control flow that is uniform over the workgroup, matrix calls in control flow that is uniform over a
 * subgroup: a subgroup without a tile skips the latter only.
 */
export function matrixText(product: Product, plan: MatrixPlan): string {
  const { tile, shape, depth, strideA, strideB, subtiles, threads, sides, onePass } = plan;
  const { component, m, n, k } = shape;
  const each = (count: number, text: (i: number) => string): string =>
    Array.from({ length: count }, (_, i) => text(i)).join('\n');
  const depth4 = depth / 4;
  const columns4 = tile.columns / 4;
  const staged4 = columns4 * sides; // vec4 columns staged: the output's, then their gates
  const down = tile.subgroupRows / m;
  const across = tile.subgroupColumns / n;
  const perRow = tile.columns / tile.subgroupColumns;
  const aLoads = Math.ceil((tile.rows * depth4) / threads);
  const bLoads = Math.ceil((staged4 * depth) / threads);
  const guarded = (total: number, i: number, text: string): string =>
    (i + 1) * threads <= total ? text : `if (t + ${i * threads}u < ${total}u) { ${text} }`;
  const stage = (name: string, at: string, value: string): string =>
    ['x', 'y', 'z', 'w'].map((lane, i) => `${name}[${at} + ${i}u] = ${component}(${value}.${lane});`).join(' ');
  const columnOf = (i: number): string => {
    const n4 = `(t + ${i * threads}u) % ${staged4}u`;
    return sides === 1 ? `n0 + ${n4}` : `n0 + (${n4}) % ${columns4}u + select(0u, u.n4, ${n4} >= ${columns4}u)`;
  };
  const matrix = m * n;
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
          `let left${step}_${i} = subgroupMatrixLoad<Left, row_major>(&tile_a, (row_at + ${i * m}u) * ${strideA}u + ${step * k}u, ${strideA}u);`,
      ),
      ...Array.from({ length: sides * across }, (_, j) => {
        const column = Math.floor(j / across) * tile.columns + (j % across) * n;
        const right = `right${step}_${j}`;
        const sums = accumulators
          .filter(({ side, column: c }) => side * across + c === j)
          .map(({ name, row }) => `${name} = subgroupMatrixMultiplyAccumulate(left${step}_${row}, ${right}, ${name});`);
        return `let ${right} = subgroupMatrixLoad<Right, row_major>(&tile_b, ${step * k}u * ${strideB}u + column_at + ${column}u, ${strideB}u);\n${sums.join('\n')}`;
      }),
    ].join('\n');
  const results = (subtiles * matrix) / 4;
  const finish = (i: number): string => {
    const [value, gate] = accumulators.filter(({ row, column }) => row * across + column === i);
    const kept = (base: string): string =>
      `vec4<f32>(${[0, 1, 2, 3].map((lane) => `tile_out[${base} + ${lane}u]`).join(', ')})`;
    return `    if (mine) {
      subgroupMatrixStore<row_major>(&tile_out, subgroup * ${matrix}u, ${value!.name}, ${n}u);
${gate ? `      subgroupMatrixStore<row_major>(&tile_out, ${subtiles * matrix}u + subgroup * ${matrix}u, ${gate.name}, ${n}u);` : ''}
    }
    workgroupBarrier();
    for (var e = t; e < ${results}u; e += ${threads}u) {
      let slot = e / ${matrix / 4}u;
      let done = pass_first + slot;
      let row = m0 + (done / ${perRow}u) * ${tile.subgroupRows}u + ${value!.row * m}u + (e % ${matrix / 4}u) / ${n / 4}u;
      let column = n0 + (done % ${perRow}u) * ${tile.subgroupColumns / 4}u + ${(value!.column * n) / 4}u + e % ${n / 4}u;
      if (slot < subgroups && done < ${subtiles}u && row < u.m_end && column < u.n4) {
        finish(row, column, ${kept('4u * e')}${gate ? `, ${kept(`${subtiles * matrix}u + 4u * e`)}` : ''});
      }
    }
    workgroupBarrier();`;
  };
  return `alias Left = subgroup_matrix_left<${component}, ${k}, ${m}>;
alias Right = subgroup_matrix_right<${component}, ${n}, ${k}>;
alias Sums = subgroup_matrix_result<f32, ${n}, ${m}>;
var<workgroup> tile_a: array<${component}, ${tile.rows * strideA}>;
var<workgroup> tile_b: array<${component}, ${depth * strideB}>;
var<workgroup> tile_out: array<f32, ${subtiles * matrix * sides}>;
@compute @workgroup_size(${threads})
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) t: u32,
  @builtin(subgroup_id) subgroup: u32,
  @builtin(subgroup_size) lanes: u32,
) {
${openBatch(product)}
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
    let column_at = ((pass_first + subgroup) % ${perRow}u) * ${tile.subgroupColumns}u;
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
${each(aLoads, (i) => guarded(tile.rows * depth4, i, `{ let at = ((t + ${i * threads}u) / ${depth4}u) * ${strideA}u + 4u * a_k; ${stage('tile_a', 'at', `a${i}`)} }`))}
${each(bLoads, (i) => guarded(staged4 * depth, i, `{ let at = ((t + ${i * threads}u) / ${staged4}u) * ${strideB}u + 4u * ((t + ${i * threads}u) % ${staged4}u); ${stage('tile_b', 'at', `b${i}`)} }`))}
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
