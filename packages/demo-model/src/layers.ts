/** Planes of a picture or of features, `[channels, side, side]`. */
export interface Planes {
  readonly data: Float32Array;
  readonly channels: number;
  readonly side: number;
}

/** Takes numbers off a flat array of weights, in the order of the layers. */
export function weightReader(values: Float32Array): (count: number) => Float32Array {
  let at = 0;
  return (count) => values.subarray(at, (at += count));
}

/** A 3×3 convolution with padding 1, then ReLU. `weight` is `[outputs, inputs, 3, 3]`. */
export function convolve(input: Planes, weight: Float32Array, bias: Float32Array, stride: number): Planes {
  const { data, channels, side } = input;
  const out = side / stride;
  const result = new Float32Array(bias.length * out * out);
  for (let o = 0; o < bias.length; o++) {
    for (let y = 0; y < out; y++) {
      for (let x = 0; x < out; x++) {
        let sum = bias[o] ?? 0;
        for (let ky = 0; ky < 3; ky++) {
          const row = y * stride + ky - 1;
          if (row < 0 || row >= side) continue;
          for (let kx = 0; kx < 3; kx++) {
            const column = x * stride + kx - 1;
            if (column < 0 || column >= side) continue;
            for (let c = 0; c < channels; c++) {
              const w = weight[(o * channels + c) * 9 + ky * 3 + kx] as number;
              sum += w * (data[(c * side + row) * side + column] as number);
            }
          }
        }
        result[(o * out + y) * out + x] = Math.max(0, sum);
      }
    }
  }
  return { data: result, channels: bias.length, side: out };
}

/** Per channel: the maxima of the upper and lower half, then their means; `[4·channels]`. */
export function poolHalves({ data, channels, side }: Planes): Float32Array {
  const result = new Float32Array(4 * channels);
  const size = (side * side) / 2;
  for (let half = 0; half < 2; half++) {
    for (let c = 0; c < channels; c++) {
      const start = c * side * side + half * size;
      let most = -Infinity;
      let sum = 0;
      for (let i = start; i < start + size; i++) {
        const value = data[i] as number;
        most = Math.max(most, value);
        sum += value;
      }
      result[half * channels + c] = most;
      result[(2 + half) * channels + c] = sum / size;
    }
  }
  return result;
}

/** A linear layer; `weight` is `[outputs, inputs]`. */
export function linear(input: Float32Array, weight: Float32Array, bias: Float32Array): Float32Array {
  return bias.map((start, o) => input.reduce((sum, v, i) => sum + v * (weight[o * input.length + i] as number), start));
}
