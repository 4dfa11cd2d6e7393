import { rowCount, tensorBytes, type Graph, type Tensor } from '@pleinair/tensor';
import { tensorBuffer, wordBuffer } from '../shader/declare.js';
import { elementKernel, elementLanes } from '../shader/elementwise-kernel.js';
import { foldGrid, groupsFor } from '../shader/grid.js';
import { expectThat } from '../shader/shape-checks.js';
import { uniformData, type UniformFields } from '../shader/uniforms.js';

/** Options of {@link sinusoidalEmbedding}. */
export interface SinusoidalEmbeddingOptions {
  /** Numbers each value becomes. */
  readonly dim: number;
  /** Cosines before sines (`flip_sin_to_cos`). */
  readonly flipSinToCos: boolean;
  /** `downscale_freq_shift`; 0 in Stable Diffusion. */
  readonly shift: number;
  /** @defaultValue the graph's dtype */
  readonly outDtype?: 'f16' | 'f32';
  /** Where in the model this stands. */
  readonly label: string;
}

const fields = { count: 'u32', columns: 'u32', values: 'u32', valueStride: 'u32' } satisfies UniformFields;

// sin and cos to f32 accuracy for any angle up to thousands. WGSL promises 2⁻¹¹ and only within ±π. Quarter turns are
// taken off in three parts of π/2 whose products with a small integer are exact (Cody and Waite); the polynomials are
// Cephes' for ±π/4.
const sineText = `
fn sineCosine(angle: f32) -> vec2<f32> {
  let quarters = round(angle * 0.6366197723675814);
  var r = fma(quarters, -1.5703125, angle);
  r = fma(quarters, -4.837512969970703125e-4, r);
  r = fma(quarters, -7.54978995489188216e-8, r);
  let z = r * r;
  let s = r + r * z * (-1.6666654611e-1 + z * (8.3321608736e-3 - z * 1.9515295891e-4));
  let c = 1.0 - 0.5 * z + z * z * (4.166664568298827e-2 + z * (-1.388731625493765e-3 + z * 2.443315711809948e-5));
  let turn = i32(quarters) & 3;
  let swapped = select(vec2<f32>(s, c), vec2<f32>(c, -s), (turn & 1) == 1);
  return select(swapped, -swapped, turn >= 2);
}`;

/**
 * Sinusoids of numbers, as diffusers' `Timesteps` makes of timesteps, sizes and crops: f32 `[batch, n]` →
 * `[batch, n·dim]`.
 *
 * @throws ShapeError when `values` is not a matrix of f32, or `dim` is not positive.
 */
export function sinusoidalEmbedding(g: Graph, values: Tensor, options: SinusoidalEmbeddingOptions): Tensor {
  const { dim, flipSinToCos, shift, label } = options;
  const where = `sinusoidalEmbedding ${label}`;
  expectThat(
    where,
    values.shape.length === 2 && values.dtype === 'f32',
    `f32 values [batch, n], got ${values.dtype} [${values.shape.join(', ')}]. Give timesteps as f32 [batch, 1].`,
  );
  expectThat(where, Number.isInteger(dim) && dim > 0, `a whole, positive dim, got ${dim}. Check the model's config.`);
  const [batch, n] = values.shape as [number, number];
  const out = g.tensor(label, [batch, n * dim], options.outDtype ?? g.dtype);
  const half = Math.floor(dim / 2);
  // The frequencies are part of the text, rounded from float64: exp in a shader would be off by several ulp, and the
  // error grows with the timestep.
  const frequencies = Array.from({ length: half }, (_, j) =>
    wgslFloat(Math.exp((-Math.log(10000) * j) / (half - shift))),
  );
  g.add({
    op: 'sinusoidalEmbedding',
    label,
    inputs: [values],
    weights: [],
    outputs: [out],
    lower({ profile }) {
      const columns = Math.ceil((n * dim) / 4);
      const count = rowCount(out.shape) * columns;
      if (count === 0) return [];
      const kernel = elementKernel(
        {
          name: 'embedding/sinusoidal',
          buffers: [wordBuffer('numbers'), tensorBuffer('out', out, profile)],
          uniforms: fields,
        },
        `  var v = vec4<f32>(0.0);
  let row = i / u.columns;
  for (var c = 0u; c < 4u; c++) {
    let element = (i % u.columns) * 4u + c;
    let number = element / ${dim}u;
    let position = element % ${dim}u;
    if (number < u.values && position < ${2 * half}u) {
      let angle = bitcast<f32>(numbers[row * u.valueStride + number]) * frequencies[position % ${Math.max(half, 1)}u];
      let sc = sineCosine(angle);
      v[c] = select(sc.x, sc.y, (position < ${half}u) == ${flipSinToCos});
    }
  }
  store_out(i, v);`,
        `const frequencies = array<f32, ${Math.max(half, 1)}>(${half > 0 ? frequencies.join(', ') : '0.0'});${sineText}`,
      );
      return [
        {
          kernel,
          bindings: [{ tensor: values }, { tensor: out }],
          uniforms: uniformData(fields, { count, columns, values: n, valueStride: Math.ceil(n / 4) * 4 }),
          workgroups: foldGrid(groupsFor(count, elementLanes), profile),
          flops: batch * n * dim * 20,
          bytesMoved: tensorBytes(values) + tensorBytes(out),
        },
      ];
    },
  });
  return out;
}

/** A number as a WGSL f32 literal, rounded to f32. */
function wgslFloat(value: number): string {
  return `${Math.fround(value).toPrecision(9)}f`;
}
