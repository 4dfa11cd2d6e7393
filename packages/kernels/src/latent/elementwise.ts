import { rowCount, tensorBytes, type BoundTensor, type DType, type Graph, type Tensor } from '@pleinair/tensor';
import { columnsOf } from '../shader/columns.js';
import { tensorBuffer } from '../shader/declare.js';
import { elementKernel, elementLanes } from '../shader/elementwise-kernel.js';
import { foldGrid, groupsFor } from '../shader/grid.js';
import { bindRows, rowBands } from '../shader/row-bands.js';
import { expectShape } from '../shader/shape-checks.js';
import { uniformData, type UniformFields } from '../shader/uniforms.js';

const fields = { count: 'u32', aBase: 'u32', bBase: 'u32', outBase: 'u32', factor: 'f32' } satisfies UniformFields;

/**
 * The sum of two tensors of one shape. Where a product or convolution can take it as its residual, prefer that.
 *
 * @returns The shape of both; `a`'s dtype. May take over `a`'s storage.
 * @throws ShapeError when the shapes differ.
 */
export function add(g: Graph, a: Tensor, b: Tensor, options: { readonly label: string }): Tensor {
  expectShape(`add ${options.label}`, 'b', b, a.shape);
  if (a === b) return scaleBy(g, a, 2, options);
  return elementwise(g, 'add', a, b, 1, a.dtype, options.label);
}

/**
 * A tensor times a number, possibly into another dtype.
 *
 * @returns The shape of `x`; its dtype unless `outDtype` says otherwise. May take over `x`'s storage.
 */
export function scaleBy(
  g: Graph,
  x: Tensor,
  factor: number,
  options: { readonly outDtype?: 'f16' | 'f32'; readonly label: string },
): Tensor {
  return elementwise(g, 'scaleBy', x, undefined, factor, options.outDtype ?? x.dtype, options.label);
}

function elementwise(
  g: Graph,
  op: string,
  a: Tensor,
  b: Tensor | undefined,
  factor: number,
  outDtype: DType,
  label: string,
): Tensor {
  const out = g.tensor(label, a.shape, outDtype);
  const rows = rowCount(a.shape);
  const operands = b ? [a, b] : [a];
  g.add({
    op,
    label,
    inputs: operands,
    weights: [],
    outputs: [out],
    inPlace: a.dtype === outDtype ? a : undefined,
    lower({ profile, inPlace }) {
      if (tensorBytes(a) === 0) return [];
      const target = inPlace ? 'a' : 'out';
      const kernel = elementKernel(
        {
          name: `latent/${b ? 'add' : 'scale'}`,
          buffers: [
            tensorBuffer('a', a, profile),
            ...(b ? [tensorBuffer('b', b, profile)] : []),
            ...(inPlace ? [] : [tensorBuffer('out', out, profile)]),
          ],
          uniforms: fields,
        },
        `  store_${target}(i + u.${target}Base, load_a(i + u.aBase) * u.factor${b ? ' + load_b(i + u.bBase)' : ''});`,
      );
      return rowBands(op, rows, [...operands, out], profile).map((band) => {
        const boundA = bindRows(a, band, profile);
        const boundB = b && bindRows(b, band, profile);
        const boundOut = bindRows(out, band, profile);
        const bindings: BoundTensor[] = [
          boundA.bound,
          ...(boundB ? [boundB.bound] : []),
          ...(inPlace ? [] : [boundOut.bound]),
        ];
        const count = band.rows * columnsOf(a);
        const share = band.rows / rows;
        return {
          kernel,
          bindings,
          uniforms: uniformData(fields, {
            count,
            aBase: boundA.base,
            bBase: boundB?.base ?? 0,
            outBase: boundOut.base,
            factor,
          }),
          workgroups: foldGrid(groupsFor(count, elementLanes), profile),
          flops: band.rows * (a.shape[a.shape.length - 1] ?? 1),
          bytesMoved: share * [...operands, out].reduce((sum, t) => sum + tensorBytes(t), 0),
        };
      });
    },
  });
  return out;
}
