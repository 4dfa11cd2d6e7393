import type { InputWindow, LayerInput } from '@pleinair/tensor';

/** The rows that a layer multiplies its weight with. */
export interface LayerRows {
  /** How many there are: one for each row, or pixel, of the layer's output. */
  readonly count: number;
  /** Numbers of a row: K, or C·kh·kw of a convolution. */
  readonly columns: number;
  /** Writes a row, in the order of the checkpoint's weight: taps within channels. */
  copy(row: number, into: Float64Array): void;
}

/**
 * A layer's rows from the values of its tensors: activation applied, a convolution's windows taken out of the picture.
 *
 * @param values - Of `input.tensors`, in their order, row-major without padding.
 */
export function layerRows(input: LayerInput, values: readonly Float32Array[]): LayerRows {
  const widths = input.tensors.map(({ shape }) => shape.at(-1)!);
  const channels = widths.reduce((sum, width) => sum + width, 0);
  const activate = input.activation === 'silu' ? silu : identity;
  /** One stored row, written from `to` on, `step` apart. */
  const read = (row: number, into: Float64Array, to: number, step: number): void => {
    widths.forEach((width, i) => {
      const from = row * width;
      for (let c = 0; c < width; c++, to += step) into[to] = activate(values[i]![from + c]!);
    });
  };
  const { window } = input;
  if (!window) {
    const count = channels === 0 ? 0 : values[0]!.length / widths[0]!;
    return { count, columns: channels, copy: (row, into) => read(row, into, 0, 1) };
  }
  const [batch = 0, storedHeight = 0, storedWidth = 0] = input.tensors[0]!.shape;
  const taps = window.kernel ** 2;
  return {
    count: batch * window.outHeight * window.outWidth,
    columns: channels * taps,
    copy(row, into) {
      for (let tap = 0; tap < taps; tap++) {
        const stored = storedPixel(window, row, tap, storedHeight, storedWidth);
        if (stored === undefined) for (let at = tap; at < into.length; at += taps) into[at] = 0;
        else read(stored, into, tap, taps);
      }
    },
  };
}

/** The stored pixel under a tap of an output pixel, or nothing where it lies off the picture. */
function storedPixel(
  { height, width, outHeight, outWidth, kernel, stride, pad, upsample }: InputWindow,
  row: number,
  tap: number,
  storedHeight: number,
  storedWidth: number,
): number | undefined {
  const line = Math.floor(row / outWidth);
  const image = Math.floor(line / outHeight);
  const x = (row % outWidth) * stride - pad + (tap % kernel);
  const y = (line % outHeight) * stride - pad + Math.floor(tap / kernel);
  if (x < 0 || y < 0 || x >= width || y >= height) return undefined;
  return (image * storedHeight + Math.floor(y / upsample)) * storedWidth + Math.floor(x / upsample);
}

function silu(value: number): number {
  return value / (1 + Math.exp(-value));
}

function identity(value: number): number {
  return value;
}
