import { Graph, plainRows, type Tensor } from '@pleinair/tensor';
import { expectClose, testDevice } from '@pleinair/testing';
import { describe, expect, it } from 'vitest';
import { GraphRun } from '../../test/graph-run.js';
import { convReference } from '../conv2d/reference.js';
import { conv2d, convWeight } from '../conv2d/conv2d.js';
import { convGeometry } from '../conv2d/geometry.js';
import { padTo4 } from '../product/layout.js';
import { linear, linearWeight } from './linear.js';
import { linearReference } from './reference.js';

const device = await testDevice();
const widths = [6, 32, 3, 12];
const firstColumns = widths.map((_, i) => widths.slice(0, i).reduce((sum, n) => sum + padTo4(n), 0));
const total = widths.reduce((sum, n) => sum + padTo4(n), 0);

/** Columns `first … first + n` of every row. */
function columns(values: ArrayLike<number>, stride: number, first: number, n: number): Float64Array {
  const rows = values.length / stride;
  return Float64Array.from({ length: rows * n }, (_, i) => values[Math.floor(i / n) * stride + first + (i % n)]!);
}

describe.each([
  ['f32', 1],
  ['f16', 3],
] as const)('layers that share a tensor, %s, %d images', (dtype, images) => {
  it('write their columns of it, and convolutions read theirs', async () => {
    const t = new GraphRun(dtype);
    const g = t.graph;
    const [k, c] = [10, 5];
    const x = t.input('x', [images, k]);
    const shared = g.output('shared', g.tensor('shared', [images, total], 'f32'));
    const projections = widths.map((n, i) => {
      const scope = t.scope.in(`p${i}`);
      const w = linearWeight(scope, n, k);
      const bias = scope.weight('bias', [n], plainRows);
      const result = linear(g, x, w, {
        bias,
        preActivation: 'silu',
        into: { tensor: shared, firstColumn: firstColumns[i]! },
        label: `p${i}`,
      });
      expect(result).toBe(shared);
      return linearReference(t.of(x), t.of(w), { m: images, k, n }, { bias: t.of(bias), preActivation: 'silu' });
    });
    const picture = t.input('picture', [images, 3, 5, c]);
    const geometry = convGeometry('test', picture.shape, { kernel: 3 });
    const convolved = widths.map((n, i) => {
      const w = convWeight(t.scope.in(`c${i}`), n, [c], 3);
      const y = conv2d(g, picture, w, {
        perImage: { rows: shared, firstColumn: firstColumns[i]! },
        label: `c${i}`,
      });
      g.output(`c${i}`, y);
      const expected = convReference({
        geometry,
        inputs: [{ data: t.of(picture), channels: c }],
        weight: t.of(w),
        cout: n,
        perImage: projections[i]!,
      });
      return { y, expected };
    });

    const { program, read } = await t.run(device);
    const whole = await read('shared');
    widths.forEach((n, i) => {
      const [first, stored] = [firstColumns[i]!, padTo4(n)];
      expectClose(columns(whole, total, first, n), projections[i]!, { dtype, reductionLength: k + 2 });
      expect(columns(whole, total, first + n, stored - n).every((pad) => pad === 0)).toBe(true);
    });
    for (const [i, { y, expected }] of convolved.entries()) {
      expectClose(await read(`c${i}`), expected, { dtype: y.dtype, reductionLength: 9 * c + k + 3 });
    }
    program.dispose();
  });

  it('adds a row an image to every row of the image', async () => {
    const t = new GraphRun(dtype);
    const [rows, k, n] = [4, 7, 9];
    const x = t.input('x', [images * rows, k]);
    const perImage = t.input('added', [images, n]);
    const w = linearWeight(t.scope, n, k);
    const y = t.graph.output('y', linear(t.graph, x, w, { perImage, activation: 'silu', label: 'y' }));
    const repeated = Float32Array.from(
      { length: images * rows * n },
      (_, i) => t.of(perImage)[Math.floor(i / n / rows) * n + (i % n)]!,
    );
    // Added before the activation: as if it were a bias of each image's own.
    const expected = linearReference(t.of(x), t.of(w), { m: images * rows, k, n }).map((sum, i) => {
      const v = sum + repeated[i]!;
      return v / (1 + Math.exp(-v));
    });
    const { program, read } = await t.run(device);
    expectClose(await read('y'), expected, { dtype: y.dtype, reductionLength: k + 2 });
    program.dispose();
  });
});

describe('columns that are not there', () => {
  const g = new Graph('test', { dtype: 'f32' });
  g.segment('run');
  const x = g.input('x', [6, 8], 'f32');
  const weight = g.weight('w', [8, 8], linearWeight(new GraphRun('f32').scope, 8, 8).layout);
  const into = (tensor: Tensor, firstColumn: number) => () =>
    linear(g, x, weight, { into: { tensor, firstColumn }, label: 'y' });

  it.each([
    ['past the end', into(g.tensor('narrow', [6, 12]), 8), /columns 8 to 15.*\[6, 12\]/],
    ['within a vec4', into(g.tensor('odd', [6, 12]), 2), /multiple of 4/],
    ['of other rows', into(g.tensor('rows', [5, 12]), 4), /a tensor of 6 rows/],
    [
      'that are to be measured',
      () =>
        linear(g, x, weight, {
          into: { tensor: g.tensor('shared', [6, 12]), firstColumn: 4 },
          measured: true,
          label: 'y',
        }),
      /^linear y: expected statistics of a tensor of its own, got "measured" with "into"/,
    ],
    [
      'rows that images do not share out',
      () => linear(g, x, weight, { perImage: g.tensor('images', [4, 8]), label: 'y' }),
      /6 rows of 4 images/,
    ],
  ])('%s', (_, record, message) => {
    expect(record).toThrow(message);
  });
});
