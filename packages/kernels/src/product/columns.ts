import type { DeviceProfile } from '@pleinair/tensor';
import { blockWidth } from './layout.js';
import type { Product } from './parts.js';
import { openBatch, segmentRange, type ProductVariant } from './variant.js';

/**
 * One subgroup a workgroup. Each lane keeps R rows of accumulators for its own vec4 columns; rows of the input are loaded
 * once, a lane each, and passed round with `subgroupBroadcast` at a constant lane, so that the inner loop is nothing but
 * multiply-adds on registers. The best shape on software adapters, where a gather costs as much as dozens of
 * multiply-adds and a barrier more still.
 *
 * @param rows - Rows a workgroup computes, a multiple of the subgroup's size.
 * @param width - vec4 columns a workgroup computes, shared out over the lanes; at least one a lane.
 */
export function columnsVariant(rows: number, width: number): ProductVariant {
  const widthFor = (profile: DeviceProfile): number => Math.max(width, profile.subgroupMinSize);
  const shapeFor = (profile: DeviceProfile): Shape => ({
    lanes: profile.subgroupMinSize,
    rows,
    perLane: Math.max(1, Math.floor(widthFor(profile) / profile.subgroupMinSize)),
  });
  return {
    name: `columns${rows}x${width * 4}`,
    madeFor: 'software',
    enables: ['subgroups'],
    takesMoments: true,
    rows: () => rows,
    columns: widthFor,
    unsupported(_product, profile) {
      if (!profile.features.subgroups) return 'the adapter has no subgroups';
      if (profile.subgroupMinSize !== profile.subgroupMaxSize) return 'the subgroup size is not fixed';
      if (rows % profile.subgroupMinSize !== 0) return 'rows do not divide among the lanes';
      // Each row of a lane inlines the input's loads once more: at 8, SwiftShader compiles a convolution for minutes.
      if (rows > 4 * profile.subgroupMinSize) return 'too many rows a lane';
      return undefined;
    },
    weightText: (product, profile) => heldText(product, shapeFor(profile)),
    body: (product, profile) => columnsText(product, shapeFor(profile)),
  };
}

interface Shape {
  readonly lanes: number;
  readonly rows: number;
  /** vec4 columns of each lane. */
  readonly perLane: number;
}

/** The weight's text for columns that are held for all of K, if it has one. Gates may begin amid a block. */
function heldText({ weight, epilogue }: Product, { lanes, perLane }: Shape): string | undefined {
  const aligned = !epilogue.gated || epilogue.columns % blockWidth === 0;
  return weight.heldText?.({ lanes, sets: perLane * (epilogue.gated ? 2 : 1), aligned });
}

function columnsText(product: Product, shape: Shape): string {
  const { lanes, rows, perLane } = shape;
  const held = heldText(product, shape) !== undefined;
  const sides = product.epilogue.gated ? 2 : 1;
  const rowSets = rows / lanes;
  const each = (count: number, text: (i: number) => string): string =>
    Array.from({ length: count }, (_, i) => text(i)).join('\n');
  // A product's columns: those of the output, then, when gated, their gates `u.n4` further on.
  const columns = perLane * sides;
  const outColumn = (c: number): string => `n0 + ${(c % perLane) * lanes}u`;
  const openColumn = (c: number): string =>
    held
      ? `let w${c} = hold_column(${c}u, first + ${(c % perLane) * lanes}u${c < perLane ? '' : ' + u.n4'}, lane);`
      : `let w${c} = open_column(min(${outColumn(c)}${c < perLane ? '' : ' + u.n4'}, u.w_columns - 1u));`;
  const loadFour = (c: number): string =>
    held
      ? `let four${c} = load_b4(w${c}, at);\n${each(4, (i) => `let b${c}_${i} = four${c}[${i}];`)}`
      : each(4, (i) => `let b${c}_${i} = load_b(w${c}, at + ${i}u);`);
  return `@compute @workgroup_size(${lanes})
fn main(
  @builtin(workgroup_id) wid: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
${openBatch(product)}
  let block = wid.x + wid.y * groups.x;
  if (block >= u.blocks) { return; }
  let m0 = u.m_first + (block % u.m_blocks) * ${rows}u;
  let first = (block / u.m_blocks) * ${lanes * perLane}u;
  let n0 = first + lane;
${each(columns, openColumn)}
${each(rowSets, (j) => `let row${j} = open_row(m0 + ${j * lanes}u + lane);`)}
${each(rows, (r) => each(columns, (c) => `var acc${r}_${c} = vec4<f32>();`))}
  var k0 = 0u;
  for (var s = 0u; s < SEGMENTS; s++) {
    let length = segment_length(s);
${each(rowSets, (j) => `let start${j} = row_start(row${j}, s);`)}
    ${segmentRange(product)}
    var at = k0 + 4u * first_k;
    for (var k = first_k; k < end_k; k++) {
${each(rowSets, (j) => `let a${j} = load_a(row${j}, start${j}, s, k);`)}
${each(columns, loadFour)}
${each(rows, (r) => {
  const x = `x${r}`;
  const sums = each(columns, (c) => {
    const acc = `acc${r}_${c}`;
    return `${acc} = fma(vec4(${x}.x), b${c}_0, fma(vec4(${x}.y), b${c}_1, fma(vec4(${x}.z), b${c}_2, fma(vec4(${x}.w), b${c}_3, ${acc}))));`;
  });
  return `let ${x} = subgroupBroadcast(a${Math.floor(r / lanes)}, ${r % lanes}u);\n${sums}`;
})}
      at += 4u;
    }
    k0 += 4u * length;
  }
${each(columns, (c) => `let sums${c} = array<vec4<f32>, ${rows}>(${Array.from({ length: rows }, (_, r) => `acc${r}_${c}`).join(', ')});`)}
${each(perLane, (c) => finishLoop(c, rows, outColumn(c), sides === 2 ? perLane + c : undefined, product.epilogue.moments))}
}`;
}

/**
 * Stores one column's rows in a loop: an epilogue unrolled over the rows would be most of the text to compile. It counts
 * rows of the product, not of the block, because compilers that see a constant start unroll it all the same (Mesa: 3.3 s
 * for a plain linear layer, 0.5 s this way).
 */
function finishLoop(c: number, rows: number, column: string, gate: number | undefined, moments = false): string {
  const finish = `finish(m, ${column}, values[m - m0]${gate === undefined ? '' : ', gates[m - m0]'})`;
  return `  if (${column} < u.n4) {
    var values = sums${c};
${gate === undefined ? '' : `    var gates = sums${gate};`}
    let end = min(m0 + ${rows}u, u.m_end);
${moments ? '    var moments = Moments();' : ''}
    for (var m = m0; m < end; m++) { ${moments ? `add_moment(&moments, ${finish})` : finish}; }
${moments ? `    store_moments(block % u.m_blocks, ${column}, moments);` : ''}
  }`;
}
