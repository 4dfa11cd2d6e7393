import { plainRows, type Device } from '@pleinair/tensor';
import { expectClose, testDevice } from '@pleinair/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { GraphRun } from '../../test/graph-run.js';
import { convGeometry } from '../conv2d/geometry.js';
import { conv2d, convWeight } from '../conv2d/conv2d.js';
import { convReference } from '../conv2d/reference.js';
import { linear, linearWeight } from '../matmul/linear.js';
import { linearReference } from '../matmul/reference.js';

let device: Device;
beforeAll(async () => {
  device = await testDevice();
});

describe.each([
  ['f32', 'f32'],
  ['f16', 'f16'],
] as const)('products cut along K, activations %s, weights %s', (dtype, storage) => {
  it('add up to the whole: slices that end within segments, are ragged, or meet every epilogue', async () => {
    const t = new GraphRun(dtype, storage);
    // Makes room: scratch may take what the fullest moment leaves free.
    const tall = t.input('tall', [1024, 4]);
    const hidden = linear(t.graph, tall, linearWeight(t.scope.in('up'), 128, 4), { label: 'hidden' });
    t.graph.output('narrow', linear(t.graph, hidden, linearWeight(t.scope.in('down'), 3, 128), { label: 'narrow' }));

    const [k, n] = [777, 70];
    const x = t.input('x', [2, 19, k]);
    const w = linearWeight(t.scope.in('linear'), n, k);
    const bias = t.scope.in('linear').weight('bias', [n], plainRows);
    const residual = t.input('r', [2, 19, n]);
    t.graph.output('linear', linear(t.graph, x, w, { bias, residual, activation: 'gelu', label: 'linear' }));

    const picture = t.input('picture', [2, 3, 5, 70]);
    const second = t.input('second', [2, 3, 5, 33]);
    const time = t.input('time', [2, 37]);
    const filter = convWeight(t.scope.in('conv'), 37, [70, 33], 3);
    const options = { second, perImage: time, label: 'conv' } as const;
    t.graph.output('conv', conv2d(t.graph, picture, filter, options));

    // A residual that the input binds keeps its product whole.
    const square = t.input('square', [5, 400]);
    const own = linearWeight(t.scope.in('own'), 400, 400);
    t.graph.output('own', linear(t.graph, square, own, { residual: square, label: 'own' }));

    const offered = new Map<string, readonly string[]>();
    const { program, read } = await t.run(device, {
      pick: (key, names) => {
        offered.set(key, names);
        return names.find((v) => v === 'tiled32x32k4');
      },
    });
    const { nodes } = program.plan.segments[0]!;
    const of = (label: string): (typeof nodes)[number] => nodes.find(({ node }) => node.label === label)!;
    for (const label of ['linear', 'conv']) {
      const { dispatches, scratch } = of(label);
      expect(dispatches.map(({ kernel }) => kernel.name)).toEqual(['product/tiled32x32k4', 'product/add-slices']);
      expect(dispatches[0]!.workgroups[2]).toBe(4);
      expect(scratch.map(({ dtype: kept }) => kept)).toEqual(['f32']);
    }
    expect(of('linear').dispatches.reduce((sum, { flops }) => sum + flops, 0)).toBe(2 * 38 * k * n);
    expect([...offered].find(([key]) => key.startsWith('linear 5x400'))![1].some((v) => v.endsWith('k4'))).toBe(false);

    const sums = linearReference(
      t.of(x),
      t.of(w),
      { m: 38, k, n },
      { bias: t.of(bias), residual: t.of(residual), activation: 'gelu' },
    );
    expectClose(await read('linear'), sums, { dtype, reductionLength: k + 2 });
    const geometry = convGeometry('conv', picture.shape, { kernel: 3 });
    const inputs = [
      { data: t.of(picture), channels: 70 },
      { data: t.of(second), channels: 33 },
    ];
    const convolved = convReference({ geometry, inputs, weight: t.of(filter), cout: 37, perImage: t.of(time) });
    expectClose(await read('conv'), convolved, { dtype, reductionLength: 9 * 103 + 1 });
    program.dispose();
  });
});
