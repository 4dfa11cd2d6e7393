import { plainRows, type Device } from '@pleinair/tensor';
import { expectClose, freshDevice, testDevice } from '@pleinair/testing';
import { beforeAll, expect, it } from 'vitest';
import { GraphRun } from '../../test/graph-run.js';
import { scaleBy } from '../latent/elementwise.js';
import { convWeight } from './conv2d.js';
import { convGeometry } from './geometry.js';
import { narrowConv } from './narrow.js';
import { convReference } from './reference.js';

let device: Device;
beforeAll(async () => {
  device = await testDevice();
});

const cases = [
  { name: 'half as wide', shape: [1, 24, 33, 16], cout: 8, dtype: 'f32' },
  { name: 'half as wide, halves', shape: [2, 25, 31, 16], cout: 8, dtype: 'f16' },
  { name: 'padded channels, a third', shape: [3, 9, 17, 22], cout: 7, dtype: 'f32' },
  { name: 'three quarters', shape: [1, 40, 40, 16], cout: 12, dtype: 'f32' },
] as const;

/** Records every case; the input is doubled first, so that it lies in the arena and dies at the convolution. */
function record(
  t: GraphRun,
  dtype: 'f16' | 'f32',
): ((read: (name: string) => Promise<Float32Array>) => Promise<void>)[] {
  return cases
    .filter((c) => c.dtype === dtype)
    .map(({ name, shape, cout }) => {
      const scope = t.scope.in(name);
      const raw = t.input(`${name}.x`, shape);
      const x = scaleBy(t.graph, raw, 2, { label: `${name}.double` });
      const w = convWeight(scope, cout, [shape[3]], 1);
      const bias = scope.weight('bias', [cout], plainRows);
      t.graph.output(
        name,
        scaleBy(t.graph, narrowConv(t.graph, x, w, { bias, label: name }), 1, { label: `${name}.out` }),
      );
      const expected = convReference({
        geometry: convGeometry(name, shape, { kernel: 1 }),
        inputs: [{ data: t.of(raw).map((v) => 2 * v), channels: shape[3] }],
        weight: t.of(w),
        cout,
        bias: t.of(bias),
      });
      return async (read) => expectClose(await read(name), expected, { dtype, reductionLength: shape[3] });
    });
}

it.each(['f32', 'f16'] as const)('narrows over its own input, %s', async (dtype) => {
  const t = new GraphRun(dtype);
  const checks = record(t, dtype);
  const { program, read } = await t.run(device);
  const over = program.plan.segments[0]!.nodes.filter(({ node }) => node.op === 'narrowConv');
  expect(over.every(({ inPlace }) => inPlace)).toBe(true);
  for (const check of checks) await check(read);
  program.dispose();
});

it('narrows in bands that a small binding limit asks for', async () => {
  const small = await freshDevice({ limits: { maxStorageBufferBindingSize: 32768 } });
  try {
    const t = new GraphRun('f32');
    const checks = record(t, 'f32');
    const { program, read } = await t.run(small);
    for (const check of checks) await check(read);
    program.dispose();
  } finally {
    small.destroy();
  }
});
