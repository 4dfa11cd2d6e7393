import { freshDevice, testDevice } from '@pleinair/testing';
import { Graph, type Device } from '@pleinair/tensor';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { runOp } from '../../test/run-op.js';
import { scaleBy } from '../latent/elementwise.js';

let device: Device;
/** The same adapter, packing halves into words. */
let packing: Device;
beforeAll(async () => {
  device = await testDevice();
  packing = await freshDevice({ without: ['shaderF16'] });
});
afterAll(() => packing.destroy());

it('stores of halves end at the largest finite one in either form, and hold no NaN', async () => {
  expect(packing.profile.features.shaderF16).toBe(false);
  const x = Float32Array.of(1e6, -1e6, 65504, -65504, 65519, 65521, Infinity, -Infinity, NaN, 1, -0.5, 0);
  for (const on of [device, packing]) {
    const g = new Graph('stores', { dtype: 'f32' });
    g.segment('run');
    g.output('y', scaleBy(g, g.input('x', [12]), 1, { outDtype: 'f16', label: 'y' }));
    const y = [...(await runOp(g, on, { inputs: { x } }, ['y'])).y!];
    const most = 65504;
    expect(y.toSpliced(8, 1)).toEqual([most, -most, most, -most, most, most, most, -most, 1, -0.5, 0]);
    expect(Math.abs(y[8]!)).toBe(most);
    // Both software adapters are driven through SPIR-V; elsewhere either bound will do.
    if (on.profile.isSoftware) expect(y[8]).toBe(-most);
  }
});
