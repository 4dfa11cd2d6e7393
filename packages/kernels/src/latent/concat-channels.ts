import { rowCount, tensorBytes, type Graph, type Tensor } from '@pleinair/tensor';
import { tensorBuffer } from '../shader/declare.js';
import { elementKernel, elementLanes } from '../shader/elementwise-kernel.js';
import { foldGrid, groupsFor } from '../shader/grid.js';
import { bindRows, rowBands } from '../shader/row-bands.js';
import { expectShape } from '../shader/shape-checks.js';
import { uniformData, type UniformFields } from '../shader/uniforms.js';

/** Options of {@link concatChannels}. */
export interface ConcatChannelsOptions {
  /** @defaultValue f32 if either operand is f32, else f16 */
  readonly outDtype?: 'f16' | 'f32';
  /** Where in the model this stands. */
  readonly label: string;
}

const fields = {
  count: 'u32',
  columns: 'u32',
  aColumns: 'u32',
  bColumns: 'u32',
  aChannels: 'u32',
  channels: 'u32',
  aBase: 'u32',
  bBase: 'u32',
  outBase: 'u32',
} satisfies UniformFields;

/**
 * Two tensors side by side: `[…, C1]`, `[…, C2]` → `[…, C1 + C2]`. Where a norm or convolution can take the second as
 * its `second` input, prefer that: it writes nothing.
 *
 * @throws ShapeError when other dimensions differ.
 */
export function concatChannels(g: Graph, a: Tensor, b: Tensor, options: ConcatChannelsOptions): Tensor {
  const { label } = options;
  const aChannels = a.shape[a.shape.length - 1] ?? 0;
  const bChannels = b.shape[b.shape.length - 1] ?? 0;
  expectShape(`concatChannels ${label}`, 'b', b, [...a.shape.slice(0, -1), bChannels]);
  const channels = aChannels + bChannels;
  const outDtype = options.outDtype ?? (a.dtype === 'f32' || b.dtype === 'f32' ? 'f32' : 'f16');
  const out = g.tensor(label, [...a.shape.slice(0, -1), channels], outDtype);
  const rows = rowCount(a.shape);
  const tensors = a === b ? [a, out] : [a, b, out];
  g.add({
    op: 'concatChannels',
    label,
    inputs: a === b ? [a] : [a, b],
    weights: [],
    outputs: [out],
    lower({ profile }) {
      const columns = Math.ceil(channels / 4);
      if (rows * columns === 0) return [];
      const other = a === b ? 'a' : 'b';
      const kernel = elementKernel(
        {
          name: 'latent/concat',
          buffers: [
            tensorBuffer('a', a, profile),
            ...(a === b ? [] : [tensorBuffer('b', b, profile)]),
            tensorBuffer('out', out, profile),
          ],
          uniforms: fields,
        },
        `  let row = i / u.columns;
  let column = i % u.columns;
  var v = vec4<f32>(0.0);
  if (column * 4u + 4u <= u.aChannels) {
    v = load_a(u.aBase + row * u.aColumns + column);
  } else {
    for (var c = 0u; c < 4u; c++) {
      let channel = column * 4u + c;
      if (channel < u.aChannels) {
        v[c] = load_a(u.aBase + row * u.aColumns + channel / 4u)[channel % 4u];
      } else if (channel < u.channels) {
        let second = channel - u.aChannels;
        v[c] = load_${other}(u.bBase + row * u.bColumns + second / 4u)[second % 4u];
      }
    }
  }
  store_out(u.outBase + i, v);`,
      );
      return rowBands('concatChannels', rows, tensors, profile).map((band) => {
        const bound = tensors.map((t) => bindRows(t, band, profile));
        const count = band.rows * columns;
        return {
          kernel,
          bindings: bound.map((t) => t.bound),
          uniforms: uniformData(fields, {
            count,
            columns,
            aColumns: Math.ceil(aChannels / 4),
            bColumns: Math.ceil(bChannels / 4),
            aChannels,
            channels,
            aBase: bound[0]!.base,
            bBase: a === b ? bound[0]!.base : bound[1]!.base,
            outBase: bound[bound.length - 1]!.base,
          }),
          workgroups: foldGrid(groupsFor(count, elementLanes), profile),
          flops: 0,
          bytesMoved: (band.rows / rows) * (tensorBytes(a) + tensorBytes(b) + tensorBytes(out)),
        };
      });
    },
  });
  return out;
}
