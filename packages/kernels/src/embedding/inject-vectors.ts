import { tensorBytes, type Graph, type Tensor, type Weight } from '@pleinair/tensor';
import { columnsOf } from '../shader/columns.js';
import { tensorBuffer, weightBuffer, wordBuffer } from '../shader/declare.js';
import { elementKernel, elementLanes } from '../shader/elementwise-kernel.js';
import { foldGrid, groupsFor } from '../shader/grid.js';
import { expectShape, expectThat } from '../shader/shape-checks.js';
import { uniformData, type UniformFields } from '../shader/uniforms.js';

/** Options of {@link injectVectors}. */
export interface InjectVectorsOptions {
  /** f32 `[batch, tokens, C]`: what stands where the mask says so. */
  readonly vectors: Tensor;
  /** u32 `[batch, tokens]`: not 0 where a vector is to stand. */
  readonly mask: Tensor;
  /** `[at least tokens, C]`, layout `plainRows`: added to vectors as to all others. */
  readonly positions: Weight;
  readonly label: string;
}

const fields = { count: 'u32', columns: 'u32', tokens: 'u32', mask_stride: 'u32' } satisfies UniformFields;

/**
 * Puts vectors in place of some of what `tokenEmbedding` gave: textual inversions. All others stay, bit for bit.
 *
 * @param x - `[batch, tokens, C]`; its storage is taken over where it dies here.
 * @throws ShapeError `shape/mismatch`.
 */
export function injectVectors(g: Graph, x: Tensor, options: InjectVectorsOptions): Tensor {
  const { vectors, mask, positions, label } = options;
  const where = `injectVectors ${label}`;
  const [batch = 0, tokens = 0, channels = 0] = x.shape;
  expectShape(where, 'vectors of', vectors, [batch, tokens, channels]);
  expectShape(where, 'a mask of', mask, [batch, tokens]);
  expectThat(where, mask.dtype === 'u32', `a u32 mask, got ${mask.dtype}. Make the input with dtype "u32".`);
  expectThat(
    where,
    positions.source.shape[1] === channels && positions.source.shape[0]! >= tokens,
    `positions [at least ${tokens}, ${channels}], got [${positions.source.shape.join(', ')}]. Give those of the embedding.`,
  );
  const out = g.tensor(label, x.shape, x.dtype);
  g.add({
    op: 'injectVectors',
    label,
    inputs: [x, vectors, mask],
    weights: [positions],
    outputs: [out],
    inPlace: x,
    lower({ profile, inPlace }) {
      const columns = columnsOf(x);
      const count = batch * tokens * columns;
      if (count === 0) return [];
      const target = inPlace ? 'x' : 'out';
      const kernel = elementKernel(
        {
          name: 'embedding/inject',
          buffers: [
            tensorBuffer('x', x, profile),
            tensorBuffer('vectors', vectors, profile),
            wordBuffer('mask'),
            weightBuffer('positions', positions, profile),
            ...(inPlace ? [] : [tensorBuffer('out', out, profile)]),
          ],
          uniforms: fields,
        },
        `  let row = i / u.columns;
  let token = row % u.tokens;
  if (mask[(row / u.tokens) * u.mask_stride + token] != 0u) {
    store_${target}(i, load_vectors(i) + load_positions(token * u.columns + i % u.columns));
  }${inPlace ? '' : ' else { store_out(i, load_x(i)); }'}`,
      );
      const tensors = [x, vectors, mask];
      return [
        {
          kernel,
          bindings: [
            ...tensors.map((tensor) => ({ tensor })),
            { weight: positions },
            ...(inPlace ? [] : [{ tensor: out }]),
          ],
          uniforms: uniformData(fields, { count, columns, tokens, mask_stride: Math.ceil(tokens / 4) * 4 }),
          workgroups: foldGrid(groupsFor(count, elementLanes), profile),
          flops: 0,
          bytesMoved: [...tensors, out].reduce((sum, tensor) => sum + tensorBytes(tensor), 0),
        },
      ];
    },
  });
  return out;
}
