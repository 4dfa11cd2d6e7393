import { activationReference, type Activation } from '../shader/activation.js';

/**
 * `residual + activation(pre(x) · wᵀ + bias)` in float64.
 *
 * @param x - `[M, K]`, unpadded.
 * @param w - `[N, K]`.
 */
export function linearReference(
  x: ArrayLike<number>,
  w: ArrayLike<number>,
  sizes: { readonly m: number; readonly k: number; readonly n: number },
  options: {
    readonly bias?: ArrayLike<number>;
    readonly residual?: ArrayLike<number>;
    readonly activation?: Activation;
    readonly preActivation?: Activation;
  } = {},
): Float64Array {
  const { m, k, n } = sizes;
  const { bias, residual, activation = 'none', preActivation = 'none' } = options;
  const out = new Float64Array(m * n);
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) {
      let sum = bias ? bias[j]! : 0;
      for (let l = 0; l < k; l++) sum += activationReference(preActivation, x[i * k + l]!) * w[j * k + l]!;
      out[i * n + j] = activationReference(activation, sum) + (residual ? residual[i * n + j]! : 0);
    }
  }
  return out;
}

/** `value · gelu(gate)` in float64; `w` is `[2·N, K]`, value rows first. */
export function gegluReference(
  x: ArrayLike<number>,
  w: ArrayLike<number>,
  sizes: { readonly m: number; readonly k: number; readonly n: number },
  bias?: ArrayLike<number>,
): Float64Array {
  const { m, k, n } = sizes;
  const both = linearReference(x, w, { m, k, n: 2 * n }, bias ? { bias } : {});
  const out = new Float64Array(m * n);
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) {
      out[i * n + j] = both[i * 2 * n + j]! * activationReference('gelu', both[i * 2 * n + n + j]!);
    }
  }
  return out;
}
