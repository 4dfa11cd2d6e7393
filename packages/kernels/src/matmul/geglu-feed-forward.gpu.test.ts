import { plainRows, type Device } from '@pleinair/tensor';
import { expectClose, testDevice } from '@pleinair/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { GraphRun } from '../../test/graph-run.js';
import { scaleBy } from '../latent/elementwise.js';
import { gegluFeedForward } from './geglu-feed-forward.js';
import { linearWeight } from './linear.js';
import { gegluReference, linearReference } from './reference.js';

let device: Device;
beforeAll(async () => {
  device = await testDevice();
});

describe.each(['f32', 'f16'] as const)('gegluFeedForward %s', (dtype) => {
  it('is residual + out · (value · gelu(gate)), however many slices, in place or not', async () => {
    const t = new GraphRun(dtype);
    const [k, inner, n] = [10, 40, 10];
    const shape = [2, 37, k];
    const m = 2 * 37;
    const x = t.input('x', shape);
    const residual = t.input('residual', shape);
    const scope = t.scope.in('ff');
    const proj = linearWeight(scope.in('proj'), 2 * inner, k);
    const projBias = scope.in('proj').weight('bias', [2 * inner], plainRows);
    const out = linearWeight(scope.in('out'), n, inner);
    const outBias = scope.in('out').weight('bias', [n], plainRows);
    const slices = [1, 2, 3, 74];
    for (const count of slices) {
      // A copy that dies here, so that its storage is taken over in two of the cases.
      const given = count % 2 === 1 ? scaleBy(t.graph, residual, 1, { label: `copy${count}` }) : residual;
      const options = { proj, projBias, out, outBias, residual: given, slices: count, label: `y${count}` };
      t.graph.output(
        `y${count}`,
        scaleBy(t.graph, gegluFeedForward(t.graph, x, options), 1, { label: `last${count}` }),
      );
    }
    const hidden = gegluReference(t.of(x), t.of(proj), { m, k, n: inner }, t.of(projBias));
    const expected = linearReference(
      hidden,
      t.of(out),
      { m, k: inner, n },
      { bias: t.of(outBias), residual: t.of(residual) },
    );
    const largest = hidden.reduce((a, b) => Math.max(a, Math.abs(b)), 1);
    const { program, read } = await t.run(device);
    for (const count of slices) {
      // Storing the inner activations in halves strays by 2^-11 of each; √inner of them add up.
      const stored = dtype === 'f16' ? largest * 2 ** 13 : largest;
      expectClose(await read(`y${count}`), expected, { dtype, reductionLength: inner + k, termScale: stored });
    }
    const nodes = program.plan.segments[0]!.nodes.filter(({ node }) => node.op === 'gegluFeedForward');
    expect(nodes.map(({ scratch }) => scratch[0]!.shape)).toEqual([
      [74, inner],
      [37, inner],
      [25, inner],
      [1, inner],
    ]);
    expect(nodes.map(({ inPlace }) => inPlace)).toEqual([true, false, true, false]);
    program.dispose();
  });
});
