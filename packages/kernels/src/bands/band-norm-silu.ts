import { rowCount, tensorBytes, type Graph, type Tensor } from '@pleinair/tensor';
import { padTo4 } from '../product/layout.js';
import { activate, activationText } from '../shader/activation.js';
import { columnsOf } from '../shader/columns.js';
import { tensorBuffer } from '../shader/declare.js';
import { elementKernel, elementLanes } from '../shader/elementwise-kernel.js';
import { foldGrid, groupsFor } from '../shader/grid.js';
import { expectBindable } from '../shader/row-bands.js';
import { expectShape } from '../shader/shape-checks.js';
import { uniformData, type UniformFields } from '../shader/uniforms.js';
import { expectBand, type BandTensor } from './band.js';

const fields = { count: 'u32', columns: 'u32' } satisfies UniformFields;

/**
 * SiLU of `x·a + b` over all of a band's rows. The output may take over `x`'s storage.
 *
 * @param affine - f32 `[1, 2, C']` as `momentsAffine` gives it.
 * @throws ShapeError `shape/mismatch`.
 */
export function bandNormSilu(g: Graph, x: BandTensor, affine: Tensor, options: { readonly label: string }): BandTensor {
  const { label } = options;
  const where = `bandNormSilu ${label}`;
  expectBand(where, x);
  const { tensor, window } = x;
  expectShape(where, 'scales and shifts of', affine, [1, 2, padTo4(tensor.shape.at(-1)!)]);
  const out = g.tensor(label, tensor.shape, tensor.dtype);
  g.add({
    op: 'bandNormSilu',
    label,
    inputs: [tensor, affine],
    weights: [],
    outputs: [out],
    inPlace: tensor,
    lower({ profile, inPlace }) {
      expectBindable('bandNormSilu', [tensor, out], profile);
      const columns = columnsOf(tensor);
      const count = rowCount(tensor.shape) * columns;
      const kernel = elementKernel(
        {
          name: 'bands/norm-silu',
          buffers: [
            tensorBuffer('x', tensor, profile),
            tensorBuffer('affine', affine, profile),
            ...(inPlace ? [] : [tensorBuffer('out', out, profile)]),
          ],
          uniforms: fields,
        },
        `  let c = i % u.columns;
  store_${inPlace ? 'x' : 'out'}(i, ${activate('silu', 'fma(load_x(i), load_affine(c), load_affine(c + u.columns))')});`,
        activationText(['silu']),
      );
      return [
        {
          kernel,
          bindings: [{ tensor }, { tensor: affine }, ...(inPlace ? [] : [{ tensor: out }])],
          uniforms: uniformData(fields, { count, columns }),
          workgroups: foldGrid(groupsFor(count, elementLanes), profile),
          flops: rowCount(tensor.shape) * tensor.shape.at(-1)! * 6,
          bytesMoved: 2 * tensorBytes(tensor) + tensorBytes(affine),
        },
      ];
    },
  });
  return { tensor: out, window };
}
