import { storageName, type Graph, type Tensor, type Weight } from '@pleinair/tensor';
import type { NormOnLoad } from '../conv2d/conv-input.js';
import type { ConvGeometry } from '../conv2d/geometry.js';
import type { MovingRows } from '../conv2d/moving-rows.js';
import { winogradAlternatives } from '../conv2d/winograd/choose.js';
import { expectFloat, expectLayout } from '../product/checks.js';
import { chooseVariant } from '../product/choose.js';
import { productDispatches } from '../product/dispatch.js';
import { productEpilogue, type EpilogueOptions } from '../product/epilogue.js';
import { convLayout } from '../product/layout.js';
import { blockedWeight } from '../product/weight-loader.js';
import { expectShape, expectThat, expectWeightShape } from '../shader/shape-checks.js';
import { expectBand, type BandTensor, type BandWindow } from './band.js';
import { bandInput, type BandGeometry } from './band-input.js';
import { rollRows } from './roll-rows.js';

/** Options of {@link bandConv}. */
export interface BandConvOptions {
  /** New output rows of one band. */
  readonly rows: number;
  /** The rows do not advance with the position: output rows `−lag` and on. */
  readonly fixed?: boolean;
  /** Band b makes the output's rows `b · rows − lag` and on. */
  readonly lag: number;
  /** `[1, k, W', Cout]`, held between bands: where the output keeps the last k rows of the band before in front. */
  readonly carry?: Tensor;
  readonly bias?: Weight;
  readonly stride?: 1 | 2;
  /** Zeros before the picture's first row and column; `(kernel − 1) / 2` by default. There are as many behind as taps ask for. */
  readonly pad?: number;
  /** Doubles the picture by nearest neighbour as it is read. */
  readonly upsample?: 2;
  readonly norm?: NormOnLoad;
  /** Added last: a band whose first stored row is the output's first new row. */
  readonly residual?: BandTensor;
  /** A whole picture `[1, H', W', Cout]` whose rows are written in place of a new tensor; with `residual` the same, added to. */
  readonly into?: Tensor;
  readonly outDtype?: 'f32' | 'f16';
  readonly label: string;
}

/**
 * A convolution of one band of a picture: `[1, keep + rows, W, C]` → `[1, keep' + rows', W', Cout]`. Zeros stand only beyond
 * the whole picture's edges; where a band ends inside, its neighbours' rows are read. Nothing is computed twice: the rows
 * that the next band needs are handed on.
 *
 * @param w - `[Cout, C, k, k]`, recorded by `convWeight`.
 * @throws ShapeError `shape/mismatch`, also when the input lacks rows that the output needs.
 */
export function bandConv(g: Graph, x: BandTensor, w: Weight, options: BandConvOptions): BandTensor {
  const { rows, lag, carry, bias, norm, residual, into, label } = options;
  const where = `bandConv ${label}`;
  expectBand(where, x);
  expectFloat(where, x.tensor);
  const [, , width, channels] = x.tensor.shape as [number, number, number, number];
  const [cout = 0, , kernel = 1] = w.source.shape;
  expectThat(where, kernel === 1 || kernel === 3, `a kernel of 1×1 or 3×3, got ${kernel}×${kernel}. No other is here.`);
  // A linear layer's weight is that of a 1×1 convolution.
  const taps = w.source.shape.length === 2 ? [] : [kernel, kernel];
  expectWeightShape(where, 'a weight of', w, [cout, channels, ...taps]);
  expectLayout(where, w, convLayout([channels]));
  const { stride = 1, upsample = 1, pad = (kernel - 1) / 2 } = options;
  const step = options.fixed ? 0 : rows;
  const geometry: BandGeometry = {
    kernel: kernel as 1 | 3,
    stride,
    upsample,
    pad,
    rows,
    outWidth: (width * upsample) / stride,
    step,
    lag,
  };
  expectThat(
    where,
    Number.isInteger(geometry.outWidth),
    `an even width to halve, got ${width}. Use another picture size.`,
  );
  expectRows(where, x, geometry);
  const keep = carry?.shape[1] ?? 0;
  const window: BandWindow = {
    position: x.window.position,
    step,
    offset: lag + keep,
    height: (x.window.height * upsample) / stride,
    keep,
  };
  const shape = [1, keep + rows, geometry.outWidth, cout];
  const out = into ?? g.tensor(label, shape, options.outDtype ?? x.tensor.dtype);
  if (carry) {
    expectShape(where, 'kept rows of', carry, [1, keep, geometry.outWidth, cout]);
    expectThat(where, rows >= keep, `bands of at least ${keep} rows, got ${rows}. Make bands higher.`);
  }
  if (residual) {
    const aligned = residual.window.step === step && residual.window.offset === lag;
    expectThat(
      where,
      aligned || residual.tensor === into,
      'a residual that begins where the output does. Fix the lag.',
    );
  }
  const others = [norm?.affine, residual?.tensor, carry, into].filter((t) => t !== undefined);
  const flopsPerRow = 2 * cout * kernel * kernel * channels;
  const how = `${kernel}x${kernel}${stride === 2 ? ' s2' : ''}${upsample === 2 ? ' up2' : ''}${norm ? ' norm' : ''}`;
  const shapeKey = `conv band ${how} ${rows}x${geometry.outWidth}x${channels}x${cout} ${x.tensor.dtype} ${storageName(w)}`;
  g.add({
    op: 'bandConv',
    label,
    inputs: [...new Set([x.tensor, x.window.position, ...others])],
    weights: bias ? [w, bias] : [w],
    outputs: carry ? [out, carry] : [out],
    lower(context) {
      const { profile } = context;
      const onto = residual !== undefined && residual.tensor === into;
      const epilogue: EpilogueOptions = {
        out,
        // Rows of the output tensor before the band's first new one: those kept, or those above in a whole picture.
        outOrigin: -(into ? -lag : keep) * geometry.outWidth,
        bias,
        residual: residual?.tensor,
        inPlace: onto,
        bound: new Map([[x.tensor, 'x']]),
      };
      const product = {
        input: bandInput(x, geometry, norm, profile),
        weight: blockedWeight(w, profile),
        epilogue: productEpilogue(epilogue, profile),
      };
      // The pass that writes the output reads no input.
      const winograd = { ...winogradBand(x, geometry), where, cins: [channels], weight: w, norm, flopsPerRow };
      const { variants, preferred } = winogradAlternatives(
        { ...winograd, epilogue: { ...epilogue, bound: new Map() } },
        context,
      );
      const variant = chooseVariant(shapeKey, product, context, variants, preferred);
      const dispatches =
        'lower' in variant ? variant.lower() : productDispatches(where, product, variant, flopsPerRow, profile);
      return carry ? [...dispatches, rollRows(out, carry, profile)] : dispatches;
    },
  });
  return { tensor: out, window };
}

/** A band's convolution as Winograd's algorithm sees it: a small picture whose rows move over a large one. */
function winogradBand(
  { tensor, window }: BandTensor,
  { kernel, stride, upsample, pad, rows, outWidth, step, lag }: BandGeometry,
): { readonly geometry: ConvGeometry; readonly inputs: readonly Tensor[]; readonly moving: MovingRows } {
  const [, storedHeight, storedWidth] = tensor.shape as [number, number, number, number];
  return {
    inputs: [tensor],
    geometry: {
      batch: 1,
      storedHeight,
      storedWidth,
      height: window.height * upsample,
      width: storedWidth * upsample,
      outHeight: rows,
      outWidth,
      kernel,
      stride,
      pad,
      upsample,
    },
    moving: {
      position: window.position,
      outStep: step,
      outLag: lag,
      inStep: window.step,
      inOffset: window.offset,
    },
  };
}

/** Throws unless the rows that a band of output needs are among those stored, but for what lies beyond the picture. */
function expectRows(where: string, { tensor, window }: BandTensor, geometry: BandGeometry): void {
  const { kernel, stride, upsample, pad, rows, step, lag } = geometry;
  if (window.step === 0) return; // all rows are there
  expectThat(
    where,
    window.step * upsample === step * stride,
    `bands of ${(window.step * upsample) / stride} rows, got ${step}. Bands advance together.`,
  );
  const first = Math.floor((-lag * stride - pad) / upsample) + window.offset;
  const last = Math.floor(((rows - 1 - lag) * stride - pad + kernel - 1) / upsample) + window.offset;
  expectThat(
    where,
    first >= 0 && last < tensor.shape[1]!,
    `rows 0 to ${tensor.shape[1]! - 1} to be asked of the input, got ${first} to ${last}. Fix the lag or keep more rows.`,
  );
}
