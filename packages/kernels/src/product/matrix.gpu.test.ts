import { plainRows, type SubgroupMatrixShape } from '@pleinair/tensor';
import { expectClose, freshDevice } from '@pleinair/testing';
import { describe, expect, it } from 'vitest';
import { GraphRun } from '../../test/graph-run.js';
import { withModelledMatrices } from '../../test/matrix-model.js';
import { attention } from '../attention/attention.js';
import { attentionReference } from '../attention/reference.js';
import { convGeometry } from '../conv2d/geometry.js';
import { conv2d, convWeight } from '../conv2d/conv2d.js';
import { convReference } from '../conv2d/reference.js';
import { geglu } from '../matmul/geglu.js';
import { linear, linearWeight } from '../matmul/linear.js';
import { gegluReference, linearReference } from '../matmul/reference.js';

const halves16: SubgroupMatrixShape = { component: 'f16', result: 'f32', m: 16, n: 16, k: 16 };
const halves8: SubgroupMatrixShape = { component: 'f16', result: 'f32', m: 16, n: 8, k: 8 };
const floats8: SubgroupMatrixShape = { component: 'f32', result: 'f32', m: 8, n: 8, k: 8 };

function picking(name: string): (key: string, all: readonly string[]) => string | undefined {
  return (_key, all) => all.find((v) => v === name);
}

describe('products in matrix units, modelled', () => {
  it.each([
    ['f16', halves8, 'matrix32x32'],
    ['f32', floats8, 'matrix32x32'],
  ] as const)('are exact in %s, in matrices of %o: %s', async (dtype, shape, name) => {
    const device = withModelledMatrices(await freshDevice(), [shape]);
    const t = new GraphRun(dtype);
    // Rows and columns that end within a matrix, K that ends within a step.
    const x = t.input('x', [3, 23, 70]);
    const w = linearWeight(t.scope, 75, 70);
    const bias = t.scope.weight('bias', [75], plainRows);
    const residual = t.input('r', [3, 23, 75]);
    t.graph.output('y', linear(t.graph, x, w, { bias, residual, activation: 'silu', label: 'y' }));
    const expected = linearReference(
      t.of(x),
      t.of(w),
      { m: 69, k: 70, n: 75 },
      { bias: t.of(bias), residual: t.of(residual), activation: 'silu' },
    );
    const { program, read } = await t.run(device, { pick: picking(name) });
    // Without halves in shaders, matrices of halves are out of reach.
    const runs = shape.component === 'f32' || device.profile.features.shaderF16;
    expect(program.plan.kernelKeys[0]!.startsWith(`product/${name}#`)).toBe(runs);
    expectClose(await read('y'), expected, { dtype, reductionLength: 72 });
    program.dispose();
    device.destroy();
  });

  it('compose with the input of a convolution, with gates and with attention, and go in passes', async () => {
    const real = await freshDevice();
    const { shaderF16 } = real.profile.features;
    const dtype = shaderF16 ? 'f16' : 'f32';
    // Claiming no size of subgroups asks for the text that goes in passes.
    const device = withModelledMatrices(real, [shaderF16 ? halves16 : floats8], { subgroupMaxSize: 64 });
    const t = new GraphRun(dtype);
    const picture = t.input('picture', [2, 5, 4, 22]);
    const second = t.input('second', [2, 5, 4, 9]);
    const weight = convWeight(t.scope.in('conv'), 37, [22, 9], 3);
    t.graph.output('conv', conv2d(t.graph, picture, weight, { second, label: 'conv' }));
    const x = t.input('x', [1, 41, 33]);
    const gates = linearWeight(t.scope.in('geglu'), 2 * 44, 33);
    t.graph.output('gated', geglu(t.graph, x, gates, { label: 'gated' }));
    const [queries, keys, width] = [37, 45, 20];
    const q = t.input('q', [1, queries, 2 * width]);
    const [kk, v] = [t.input('k', [1, keys, 2 * width]), t.input('v', [1, keys, 2 * width])];
    t.graph.output('attended', attention(t.graph, { q, k: kk, v, heads: 2, label: 'attended' }));
    const { program, read } = await t.run(device, {
      pick: (_key, all) => all.find((name) => name === 'matrix32x32' || name === 'split-matrix32x32'),
    });
    const products = program.plan.kernelKeys.filter((key) => key.startsWith('product/'));
    expect(products).toHaveLength(4);
    for (const key of products) expect(key).toContain('product/matrix32x32#');
    const geometry = convGeometry('conv', picture.shape, { kernel: 3 });
    const inputs = [
      { data: t.of(picture), channels: 22 },
      { data: t.of(second), channels: 9 },
    ];
    const summed = convReference({ geometry, inputs, weight: t.of(weight), cout: 37 });
    expectClose(await read('conv'), summed, { dtype, reductionLength: 9 * 31 });
    const gated = gegluReference(t.of(x), t.of(gates), { m: 41, k: 33, n: 44 });
    const largest = gated.reduce((a, b) => Math.max(a, Math.abs(b)), 1);
    expectClose(await read('gated'), gated, { dtype, reductionLength: 33, termScale: largest });
    const attended = attentionReference({
      q: t.of(q),
      k: t.of(kk),
      v: t.of(v),
      batch: 1,
      queries,
      keys,
      heads: 2,
      headDim: width,
    });
    expectClose(await read('attended'), attended, { dtype, reductionLength: width + keys });
    program.dispose();
    device.destroy();
  });
});
