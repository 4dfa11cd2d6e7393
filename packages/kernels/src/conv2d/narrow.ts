import {
  bytesPerElement,
  rowCount,
  rowStride,
  storageName,
  type Dispatch,
  type Graph,
  type LowerContext,
  type Tensor,
  type Weight,
} from '@pleinair/tensor';
import { conv2d } from './conv2d.js';
import { expectFloat, expectLayout } from '../product/checks.js';
import { chooseVariant } from '../product/choose.js';
import { productDispatches } from '../product/dispatch.js';
import { productEpilogue } from '../product/epilogue.js';
import { convLayout } from '../product/layout.js';
import type { Product, RowRange } from '../product/parts.js';
import { plainInput } from '../product/plain-input.js';
import { blockedWeight } from '../product/weight-loader.js';
import { wordBuffer } from '../shader/declare.js';
import { elementKernel, elementLanes } from '../shader/elementwise-kernel.js';
import { foldGrid, groupsFor } from '../shader/grid.js';
import { expectThat, expectWeightShape } from '../shader/shape-checks.js';
import { uniformData, type UniformFields } from '../shader/uniforms.js';

/** Options of {@link narrowConv}. */
export interface NarrowConvOptions {
  /** `[Cout]`, plain rows. */
  readonly bias?: Weight;
  readonly label: string;
}

/** The first band is this part of all rows: what is held twice while it is written. */
const firstShare = 256;

/** Bands begin at multiples of this many rows, so that every binding keeps the offset alignment. */
const bandStep = 64;

/**
 * A 1×1 convolution to fewer channels, `[B, H, W, C]` → `[B, H, W, Cout]`, `Cout < C`, that needs next to no memory of its
 * own: where its input dies here, the output is written over the input's front, in bands of rows. A band's output is
 * `Cout / C` as long as its input, so once rows 0…n are read, rows n…n·C/Cout can be written over them; only the first
 * 1/256 of the rows goes through a tensor of its own. Otherwise it is `conv2d`, and that is what a weight with a side branch
 * takes, which reads the input twice.
 *
 * @param w - `[Cout, C, 1, 1]`, recorded by `convWeight`.
 * @throws ShapeError `shape/mismatch`.
 */
export function narrowConv(g: Graph, x: Tensor, w: Weight, options: NarrowConvOptions): Tensor {
  if (g.rankOf(w.source.name) !== undefined) return conv2d(g, x, w, options);
  const { bias, label } = options;
  const where = `narrowConv ${label}`;
  const channels = x.shape.at(-1)!;
  const cout = w.source.shape[0]!;
  expectFloat(where, x);
  expectThat(
    where,
    x.shape.length === 4,
    `x [batch, height, width, channels], got [${x.shape.join(', ')}]. Reshape it.`,
  );
  expectWeightShape(where, 'a weight of', w, [cout, channels, 1, 1]);
  expectLayout(where, w, convLayout([channels]));
  if (bias) expectWeightShape(where, 'a bias of', bias, [cout]);
  const out = g.tensor(label, [...x.shape.slice(0, -1), cout], x.dtype);
  const rows = rowCount(x.shape);
  const flopsPerRow = 2 * cout * channels;
  const [batch, height, width] = x.shape;
  const shapeKey = `conv 1x1 ${batch}x${height}x${width}x${channels}x${cout} ${x.dtype} ${storageName(w)}`;
  g.add({
    op: 'narrowConv',
    label,
    inputs: [x],
    weights: bias ? [w, bias] : [w],
    layerInputs: [{ weight: w, tensors: [x] }],
    outputs: [out],
    // Where the output is nearly as wide as the input, bands would grow too slowly to be worth their number.
    overFront: rowStride(out.shape) * 4 <= rowStride(x.shape) * 3 ? x : undefined,
    lower(context) {
      if (rows === 0) return [];
      const into = (target: Tensor, range?: RowRange): Dispatch[] => {
        const product = productInto(target, context);
        const variant = chooseVariant(shapeKey, product, context);
        return productDispatches(where, product, variant, flopsPerRow, context.profile, range);
      };
      if (!context.inPlace) return into(out);
      const bands = narrowingBands(rows, rowStride(out.shape) / rowStride(x.shape));
      const first = bands[0]!;
      const held = context.scratch('first', [first.end, cout], out.dtype);
      return [
        ...into(held, first),
        copyFront(held, out, context),
        ...bands.slice(1).flatMap((band) => into(out, band)),
      ];
    },
  });
  return out;

  function productInto(target: Tensor, { profile }: LowerContext): Product {
    return {
      input: plainInput(x, 'none', profile),
      weight: blockedWeight(w, profile),
      epilogue: productEpilogue({ out: target, bias, bound: new Map([[x, 'x']]) }, profile),
    };
  }
}

/**
 * Bands of rows in the order in which they can be written over their input: each but the first ends where its output
 * would reach its own first input row.
 *
 * @param ratio - Length of an output row over that of an input row, below 1.
 */
export function narrowingBands(rows: number, ratio: number): RowRange[] {
  const step = (n: number): number => Math.max(bandStep, Math.floor(n / bandStep) * bandStep);
  // A band must end past where it begins.
  const least = Math.ceil((bandStep * ratio) / (1 - ratio) / bandStep) * bandStep;
  const bands: RowRange[] = [{ first: 0, end: Math.min(rows, Math.max(least, step(rows / firstShare))) }];
  for (let { end } = bands[0]!; end < rows;) {
    const next = Math.min(rows, step(end / ratio));
    bands.push({ first: end, end: next });
    end = next;
  }
  return bands;
}

const copyFields = { count: 'u32' } satisfies UniformFields;

/** Copies a tensor over the front of a larger one of the same row length. */
function copyFront(from: Tensor, to: Tensor, { profile }: LowerContext): Dispatch {
  const bytes = rowCount(from.shape) * rowStride(from.shape) * bytesPerElement(from.dtype);
  const count = bytes / 4;
  const kernel = elementKernel(
    { name: 'conv2d/copy-front', buffers: [wordBuffer('origin'), wordBuffer('copy')], uniforms: copyFields },
    '  copy[i] = origin[i];',
  );
  return {
    kernel,
    bindings: [{ tensor: from }, { tensor: to, byteOffset: 0, byteLength: bytes }],
    uniforms: uniformData(copyFields, { count }),
    workgroups: foldGrid(groupsFor(count, elementLanes), profile),
    flops: 0,
    bytesMoved: 2 * bytes,
  };
}
