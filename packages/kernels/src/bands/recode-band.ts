import { bytesPerElement, rowStride, type Graph, type Tensor } from '@pleinair/tensor';
import { padTo4 } from '../product/layout.js';
import { columnsOf } from '../shader/columns.js';
import { tensorBuffer, wordBuffer } from '../shader/declare.js';
import { elementKernel, elementLanes } from '../shader/elementwise-kernel.js';
import { foldGrid, groupsFor } from '../shader/grid.js';
import { expectBindable } from '../shader/row-bands.js';
import { expectShape, expectThat } from '../shader/shape-checks.js';
import { uniformData, type UniformFields } from '../shader/uniforms.js';
import { expectBand, type BandTensor } from './band.js';

const fields = {
  count: 'u32',
  columns: 'u32',
  line: 'u32',
  height: 'i32',
  step: 'i32',
  offset: 'i32',
} satisfies UniformFields;

/** Options of {@link recodeBand}. */
export interface RecodeBandOptions {
  /** A whole picture `[1, H, W, C]` whose rows are added, and the code it is stored by, if any (see `nextCode`). */
  readonly onto?: { readonly whole: BandTensor; readonly code?: Tensor };
  /** The code that the sum is given in; none for plain values. */
  readonly code?: Tensor;
  readonly label: string;
}

/**
 * A band's new rows, the rows of a whole picture where they belong added, in a code: `(x + whole) → (x + whole − shift) /
 * scale`. Rows beyond the picture are the band's alone. The output may take over `x`'s storage.
 *
 * @param x - `[1, rows, W, C]`, no kept rows in front.
 * @throws ShapeError `shape/mismatch`.
 */
export function recodeBand(g: Graph, x: BandTensor, options: RecodeBandOptions): BandTensor {
  const { onto, code, label } = options;
  const where = `recodeBand ${label}`;
  expectBand(where, x);
  const { tensor, window } = x;
  const [, rows, width, channels] = tensor.shape as [number, number, number, number];
  expectThat(where, window.keep === 0, `a band of new rows only, got ${window.keep} kept ones.`);
  if (onto) {
    const { whole } = onto;
    expectShape(where, 'a picture of', whole.tensor, [1, window.height, width, channels]);
    expectThat(where, whole.window.step === 0, `a whole picture, got bands of ${whole.window.step} rows.`);
  }
  const codes = [onto?.code, code];
  for (const each of codes) if (each) expectShape(where, 'a code of', each, [1, 2, padTo4(channels)]);
  const out = g.tensor(label, tensor.shape, tensor.dtype);
  const others = [onto?.whole.tensor, ...codes].filter((t) => t !== undefined);
  g.add({
    op: 'recodeBand',
    label,
    inputs: [tensor, window.position, ...others],
    weights: [],
    outputs: [out],
    inPlace: tensor,
    lower({ profile, inPlace }) {
      expectBindable('recodeBand', [tensor, out, ...(onto ? [onto.whole.tensor] : [])], profile);
      const columns = columnsOf(tensor);
      const line = width * columns;
      const count = rows * line;
      const scaled = (name: string): string => `load_${name}(c), load_${name}(c + u.columns)`;
      const kernel = elementKernel(
        {
          name: 'bands/recode',
          buffers: [
            tensorBuffer('x', tensor, profile),
            wordBuffer('position'),
            ...(onto ? [tensorBuffer('whole', onto.whole.tensor, profile)] : []),
            ...(onto?.code ? [tensorBuffer('was', onto.code, profile)] : []),
            ...(code ? [tensorBuffer('code', code, profile)] : []),
            ...(inPlace ? [] : [tensorBuffer('out', out, profile)]),
          ],
          uniforms: fields,
        },
        `  let c = i % u.columns;
  var v = load_x(i);
${
  onto
    ? `  let y = i32(position[0]) * u.step - u.offset + i32(i / u.line);
  if (y >= 0 && y < u.height) {
    let old = load_whole(u32(y) * u.line + i % u.line);
    v += ${onto.code ? `fma(old, ${scaled('was')})` : 'old'};
  }`
    : '  _ = position[0];'
}
${code ? '  v = (v - load_code(c + u.columns)) / load_code(c);' : ''}
  store_${inPlace ? 'x' : 'out'}(i, v);`,
      );
      const rowElements = rows * width * rowStride(tensor.shape);
      return [
        {
          kernel,
          bindings: [
            { tensor },
            { tensor: window.position },
            ...others.map((other) => ({ tensor: other })),
            ...(inPlace ? [] : [{ tensor: out }]),
          ],
          uniforms: uniformData(fields, {
            count,
            columns,
            line,
            height: window.height,
            step: window.step,
            offset: window.offset,
          }),
          workgroups: foldGrid(groupsFor(count, elementLanes), profile),
          flops: rows * width * channels * 4,
          bytesMoved:
            rowElements * (2 * bytesPerElement(tensor.dtype) + (onto ? bytesPerElement(onto.whole.tensor.dtype) : 0)),
        },
      ];
    },
  });
  return { tensor: out, window };
}
