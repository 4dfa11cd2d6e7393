import { activationReference, type Activation } from '../shader/activation.js';
import type { ConvGeometry } from './geometry.js';

/** A convolution in float64, the plain way. */
export interface ConvReference {
  readonly geometry: ConvGeometry;
  /** `[B, H, W, Cᵢ]` of each input, with its channels. */
  readonly inputs: readonly { readonly data: ArrayLike<number>; readonly channels: number }[];
  /** `[Cout, ΣCᵢ, k, k]`. */
  readonly weight: ArrayLike<number>;
  readonly cout: number;
  readonly bias?: ArrayLike<number>;
  readonly perImage?: ArrayLike<number>;
  readonly residual?: ArrayLike<number>;
  readonly activation?: Activation;
  /** Applied to every element of an input that lies inside the picture. */
  readonly onLoad?: (value: number, image: number, channel: number) => number;
}

/** `residual + activation(conv(inputs) + bias + perImage)`, `[B, H', W', Cout]`. */
export function convReference(conv: ConvReference): Float64Array {
  const { geometry, inputs, weight, cout, bias, perImage, residual, activation = 'none', onLoad } = conv;
  const { batch, outHeight, outWidth, kernel, stride, pad, width, height, storedWidth, storedHeight, upsample } =
    geometry;
  const cin = inputs.reduce((sum, { channels }) => sum + channels, 0);
  const out = new Float64Array(batch * outHeight * outWidth * cout);
  const at = (b: number, y: number, x: number, channel: number): number => {
    if (y < 0 || x < 0 || y >= height || x >= width) return 0;
    let c = channel;
    for (const { data, channels } of inputs) {
      if (c < channels) {
        const pixel = (b * storedHeight + Math.floor(y / upsample)) * storedWidth + Math.floor(x / upsample);
        const value = data[pixel * channels + c]!;
        return onLoad ? onLoad(value, b, channel) : value;
      }
      c -= channels;
    }
    return 0;
  };
  let i = 0;
  for (let b = 0; b < batch; b++) {
    for (let y = 0; y < outHeight; y++) {
      for (let x = 0; x < outWidth; x++) {
        for (let o = 0; o < cout; o++, i++) {
          let sum = (bias ? bias[o]! : 0) + (perImage ? perImage[b * cout + o]! : 0);
          for (let c = 0; c < cin; c++) {
            for (let ky = 0; ky < kernel; ky++) {
              for (let kx = 0; kx < kernel; kx++) {
                sum +=
                  at(b, y * stride - pad + ky, x * stride - pad + kx, c) *
                  weight[((o * cin + c) * kernel + ky) * kernel + kx]!;
              }
            }
          }
          out[i] = activationReference(activation, sum) + (residual ? residual[i]! : 0);
        }
      }
    }
  }
  return out;
}
