import { plainRows, type Tensor } from '@pleinair/tensor';
import { expectClose, freshDevice, testDevice } from '@pleinair/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { GraphRun } from '../../test/graph-run.js';
import { NamedPick } from '../../test/named-pick.js';
import { productVariants } from '../product/choose.js';
import type { Device } from '@pleinair/tensor';
import { geglu } from './geglu.js';
import { linear, linearWeight, type LinearOptions } from './linear.js';
import { gegluReference, linearReference } from './reference.js';

let device: Device;
beforeAll(async () => {
  device = await testDevice();
});

/** Records a linear layer with a bias and says what it must give. */
function expectedLinear(
  t: GraphRun,
  name: string,
  x: Tensor,
  n: number,
  options: Omit<LinearOptions, 'label' | 'bias'> = {},
): { readonly check: (read: (name: string) => Promise<Float32Array>) => Promise<void> } {
  const k = x.shape.at(-1)!;
  const m = x.shape.slice(0, -1).reduce((a, b) => a * b, 1);
  const w = linearWeight(t.scope.in(name), n, k);
  const bias = t.scope.in(name).weight('bias', [n], plainRows);
  const y = t.graph.output(name, linear(t.graph, x, w, { ...options, bias, label: name }));
  const expected = linearReference(
    t.of(x),
    t.of(w),
    { m, k, n },
    {
      bias: t.of(bias),
      activation: options.activation,
      preActivation: options.preActivation,
      residual: options.residual && t.of(options.residual),
    },
  );
  return {
    check: async (read) => expectClose(await read(name), expected, { dtype: y.dtype, reductionLength: k + 2 }),
  };
}

describe.each([
  ['f32', 'f32'],
  ['f16', 'f16'],
  ['f16', 'f32'],
  ['f32', 'f16'],
] as const)('linear, activations %s, weights %s', (dtype, storage) => {
  it('gives the product for odd sizes, with bias, activation and residual', async () => {
    const t = new GraphRun(dtype, storage);
    const checks = [
      expectedLinear(t, 'tiny', t.input('x1', [1, 5]), 3),
      expectedLinear(t, 'one row', t.input('x2', [1, 1, 70]), 33, { activation: 'silu', preActivation: 'silu' }),
      expectedLinear(t, 'rows', t.input('x3', [3, 7, 33]), 70, { residual: t.input('r3', [3, 7, 70]) }),
      expectedLinear(t, 'gelu', t.input('x4', [2, 19, 10]), 6, { activation: 'gelu' }),
      expectedLinear(t, 'quick', t.input('x5', [2, 3, 4, 6]), 36, { activation: 'quick_gelu' }),
    ];
    const { program, read } = await t.run(device);
    for (const { check } of checks) await check(read);
    program.dispose();
  });
});

describe('linear', () => {
  // Those in matrix units: product/matrix.gpu.test.ts.
  const names = productVariants.map((v) => v.name).filter((name) => !name.startsWith('matrix'));
  it.for(names)('gives the same in every variant: %s', async (name, ctx) => {
    const dtype = name.endsWith('h') ? 'f16' : 'f32';
    const t = new GraphRun(dtype, 'f16');
    const x = t.input('x', [2, 27, 38]);
    const { check } = expectedLinear(t, 'y', x, 74, { activation: 'gelu_tanh', residual: t.input('r', [2, 27, 74]) });
    const named = new NamedPick(name);
    const { program, read } = await t.run(device, { pick: named.pick });
    try {
      named.skipUnlessOffered(ctx);
      expect(program.plan.kernelKeys[0]).toContain(`product/${name}#`);
      await check(read);
    } finally {
      program.dispose();
    }
  });

  it('adds a residual in place, or its own input, binding it once', async () => {
    const t = new GraphRun('f32');
    const x = t.input('x', [3, 5, 12]);
    const w1 = linearWeight(t.scope.in(1), 12, 12);
    const w2 = linearWeight(t.scope.in(2), 12, 12);
    const h = linear(t.graph, x, w1, { residual: x, label: 'own' });
    const y = t.graph.output(
      'y',
      linear(t.graph, linear(t.graph, x, w2, { residual: h, label: 'in place' }), w1, { label: 'y' }),
    );
    const sizes = { m: 15, k: 12, n: 12 };
    const own = linearReference(t.of(x), t.of(w1), sizes, { residual: t.of(x) });
    const second = linearReference(t.of(x), t.of(w2), sizes, { residual: own });
    const { program, read } = await t.run(device);
    expect(program.plan.segments[0]!.nodes[1]!.inPlace).toBe(true);
    expectClose(await read('y'), linearReference(second, t.of(w1), sizes), { dtype: y.dtype, reductionLength: 36 });
    program.dispose();
  });

  it('goes in row bands under a small binding limit, and in folded grids under a small workgroup limit', async () => {
    const small = await freshDevice({
      limits: { maxStorageBufferBindingSize: 6144, maxComputeWorkgroupsPerDimension: 3 },
    });
    const t = new GraphRun('f16');
    const { check } = expectedLinear(t, 'y', t.input('x', [1, 333, 20]), 100, {
      residual: t.input('r', [1, 333, 100]),
    });
    const { program, read } = await t.run(small);
    const [node] = program.plan.segments[0]!.nodes;
    expect(node!.dispatches.length).toBeGreaterThan(5);
    expect(node!.dispatches[0]!.workgroups[1]).toBeGreaterThan(1);
    expect(node!.dispatches.reduce((sum, d) => sum + d.flops, 0)).toBe(2 * 333 * 20 * 100);
    await check(read);
    program.dispose();
    small.destroy();
  });
});

describe.each(['f32', 'f16'] as const)('geglu %s', (dtype) => {
  it.each(['', 'tiled32x32', 'tiled64x64'])('is value · gelu(gate) %s', async (name) => {
    const t = new GraphRun(dtype);
    const cases = [
      { x: t.input('x1', [2, 5, 10]), n: 40 },
      { x: t.input('x2', [1, 37, 33]), n: 132 },
    ].map(({ x, n }, i) => {
      const k = x.shape[2]!;
      const w = linearWeight(t.scope.in(i), 2 * n, k);
      const bias = t.scope.in(i).weight('bias', [2 * n], plainRows);
      const y = t.graph.output(`y${i}`, geglu(t.graph, x, w, { bias, label: `y${i}` }));
      const m = x.shape[0]! * x.shape[1]!;
      return { y, k, expected: gegluReference(t.of(x), t.of(w), { m, k, n }, t.of(bias)) };
    });
    const { program, read } = await t.run(device, { pick: (_key, variants) => variants.find((v) => v === name) });
    for (const key of program.plan.kernelKeys) expect(key).toMatch(name === '' ? /^product\// : `product/${name}#`);
    for (const { y, k, expected } of cases) {
      // The product of two sums: their errors times one another's size.
      const largest = expected.reduce((a, b) => Math.max(a, Math.abs(b)), 1);
      expectClose(await read(y.name), expected, { dtype, reductionLength: k, termScale: largest });
    }
    program.dispose();
  });
});

describe('geglu', () => {
  it('writes only the product', async () => {
    const t = new GraphRun('f16');
    const x = t.input('x', [2, 16, 32]);
    t.graph.output('y', geglu(t.graph, x, linearWeight(t.scope, 256, 32), { label: 'y' }));
    const { program } = await t.run(device);
    const [node] = program.plan.segments[0]!.nodes;
    expect(node!.scratch).toEqual([]);
    expect(node!.dispatches[0]!.bytesMoved).toBe(2 * (32 * 32 + 256 * 32 + 32 * 128));
    program.dispose();
  });
});
