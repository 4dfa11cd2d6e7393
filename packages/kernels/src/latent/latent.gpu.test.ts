import { expectClose, freshDevice, randomArray, testDevice } from '@pleinair/testing';
import { Graph, type Device } from '@pleinair/tensor';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runOp, stored } from '../../test/run-op.js';
import { concatChannels } from './concat-channels.js';
import { add, scaleBy } from './elementwise.js';
import { modelInput } from './model-input.js';
import { sdxlLatentToRgb } from './preview-factors.js';
import { rgbaReference, solverStepReference } from './reference.js';
import { solverStep } from './solver-step.js';
import { latentsToRgba, quickPreview } from './to-rgba.js';

let device: Device;
/** The same adapter without shader-f16 and with bindings of a kilobyte. */
let small: Device;
beforeAll(async () => {
  device = await testDevice();
  small = await freshDevice({ limits: { maxStorageBufferBindingSize: 1024 }, without: ['shaderF16'] });
});
afterAll(() => small.destroy());

const both = (): [string, Device][] => [
  ['whole', device],
  ['in row bands, without shader-f16', small],
];

function graph(dtype: 'f16' | 'f32'): Graph {
  const g = new Graph('latent', { dtype });
  g.segment('run');
  return g;
}

describe('add and scaleBy', () => {
  for (const dtype of ['f32', 'f16'] as const) {
    it(`work elementwise, ${dtype}`, async () => {
      for (const [, on] of both()) {
        const g = graph(dtype);
        const [ta, tb] = [g.input('a', [2, 33, 7]), g.input('b', [2, 33, 7])];
        const sum = add(g, ta, tb, { label: 'sum' });
        g.output('scaled', scaleBy(g, sum, 0.25, { outDtype: 'f32', label: 'scaled' }));
        g.output('doubled', add(g, sum, sum, { label: 'doubled' }));
        const a = stored(randomArray(462, 1), dtype);
        const b = stored(randomArray(462, 2), dtype);
        const { scaled, doubled } = await runOp(g, on, { inputs: { a, b } }, ['scaled', 'doubled']);
        const expected = a.map((v, i) => v + b[i]!);
        expectClose(scaled!.map((v) => v * 4), expected, { dtype, reductionLength: 1 }); // prettier-ignore
        expectClose(doubled!.map((v) => v / 2), expected, { dtype, reductionLength: 1 }); // prettier-ignore
      }
    });
  }
});

describe('concatChannels', () => {
  it('joins any widths and dtypes', async () => {
    for (const [, on] of both()) {
      for (const [ca, cb] of [
        [8, 12],
        [6, 9],
        [3, 1],
      ] as const) {
        // prettier-ignore
        const g = graph('f16');
        const [ta, tb] = [g.input('a', [2, 11, ca]), g.input('b', [2, 11, cb], 'f32')];
        g.output('y', concatChannels(g, ta, tb, { label: 'join' }));
        g.output('twice', concatChannels(g, ta, ta, { label: 'twice' }));
        const a = stored(randomArray(22 * ca, 1), 'f16');
        const b = randomArray(22 * cb, 2);
        const { y, twice } = await runOp(g, on, { inputs: { a, b } }, ['y', 'twice']);
        const joined = (second: Float32Array, width: number): number[] =>
          Array.from({ length: 22 }, (_, r) => [
            ...a.subarray(r * ca, (r + 1) * ca),
            ...second.subarray(r * width, (r + 1) * width),
          ]).flat();
        expect([...y!]).toEqual(joined(b, cb));
        expect([...twice!]).toEqual(joined(a, ca));
      }
    }
  });
});

describe('a denoising step', () => {
  const shape = [2, 3, 5, 4] as const;
  const count = 120;
  for (const dtype of ['f32', 'f16'] as const) {
    for (const mode of ['plain', 'guided', 'in turn'] as const) {
      it(`shows the model its input and updates every plane, ${mode}, ${dtype}`, async () => {
        const slots = mode === 'plain' ? 0 : 2;
        const g = graph(dtype);
        const planes = g.state('planes', [1 + slots, ...shape], 'f32');
        const step = g.input('step', [2 + (1 + slots) * (slots + 3)], 'f32');
        const noise = mode === 'guided' ? undefined : g.input('noise', shape, 'f32');
        const copies = mode === 'guided' ? 2 : 1;
        g.output('input', modelInput(g, { planes, step, copies, label: 'input' }));
        const outputs = (mode === 'in turn' ? ['m', 'cond'] : ['m']).map((name) =>
          g.input(name, [copies * 2, 3, 5, 4]),
        );
        solverStep(g, { planes, step, outputs, guided: mode !== 'plain', noise, label: 'step' });
        const state = randomArray((1 + slots) * count, 1);
        const coefficients = Array.from({ length: 1 + slots }, (_, r) => [...randomArray(slots + 3, 10 + r)]);
        const m = stored(randomArray(copies * count, 2), dtype);
        const cond = stored(randomArray(count, 3), dtype);
        const noiseValues = randomArray(count, 4);
        const inputs: Record<string, Float32Array<ArrayBuffer>> = {
          planes: state,
          step: Float32Array.from([0.75, 7.5, ...coefficients.flat()]),
          m,
        };
        if (mode === 'in turn') inputs.cond = cond;
        if (noise) inputs.noise = noiseValues;
        const { input, planes: actual } = await runOp(g, device, { inputs }, ['input', 'planes']);
        const shown = Array.from({ length: copies * count }, (_, i) => state[i % count]! * 0.75);
        expectClose(input!, shown, { dtype, reductionLength: 1 });
        const expected = solverStepReference({
          planes: Array.from({ length: 1 + slots }, (_, p) => state.subarray(p * count, (p + 1) * count)),
          coefficients,
          output: m.subarray(0, count),
          conditional: mode === 'plain' ? undefined : mode === 'guided' ? m.subarray(count) : cond,
          guidance: 7.5,
          noise: noise && noiseValues,
        });
        expectClose(actual!, Float64Array.from(expected.flatMap((plane) => Array.from(plane))), { dtype: 'f32', reductionLength: slots + 6, termScale: 16 }); // prettier-ignore
      });
    }
  }
});

describe('latentsToRgba', () => {
  it('clamps, rounds half to even and packs, any width', async () => {
    for (const [, on] of both()) {
      for (const dtype of ['f32', 'f16'] as const) {
        const g = graph(dtype);
        g.output('pixels', latentsToRgba(g, g.input('image', [2, 17, 9, 3]), { label: 'rgba' }));
        const image = stored(randomArray(2 * 17 * 9 * 3, 1, 1.3), dtype);
        image.set([-1, 0, 1, -50, 50, 0.5]);
        const { pixels } = await runOp(g, on, { inputs: { image } }, ['pixels']);
        expect([...pixels!]).toEqual([...rgbaReference(image)]);
      }
    }
  });
});

describe('quickPreview', () => {
  it.each([0, 1, 2])('projects latents linearly: plane %i', async (plane) => {
    const g = graph('f32');
    const planes = g.input('z', [3, 1, 5, 6, 4]);
    g.output('pixels', quickPreview(g, planes, { factors: sdxlLatentToRgb, plane, label: 'preview' }));
    const z = randomArray(360, 1, 2);
    const { pixels } = await runOp(g, device, { inputs: { z } }, ['pixels']);
    const { weights, bias } = sdxlLatentToRgb;
    const rgb = Array.from({ length: 90 }, (_, i) => {
      const [p, c] = [Math.floor(i / 3), i % 3];
      return weights[c]!.reduce((sum, w, j) => sum + w * z[plane * 120 + p * 4 + j]!, bias[c]!);
    });
    const expected = rgbaReference(rgb);
    pixels!.forEach((pixel, i) => {
      for (const shift of [0, 8, 16, 24]) {
        // A value within f32 rounding of a half may go either way.
        expect(Math.abs(((pixel >>> shift) & 255) - ((expected[i]! >>> shift) & 255))).toBeLessThanOrEqual(1);
      }
    });
    expect(new Set(pixels).size).toBeGreaterThan(20);
  });

  it('refuses a plane that is not there', () => {
    const g = graph('f32');
    const options = { factors: sdxlLatentToRgb, label: 'preview' };
    expect(() => quickPreview(g, g.input('z', [2, 1, 5, 6, 4]), { ...options, plane: 2 })).toThrow(
      /from 0 to 1, got 2/,
    );
    expect(() => quickPreview(g, g.input('x', [1, 5, 6, 4]), { ...options, plane: 1 })).toThrow(/from 0 to 0, got 1/);
  });
});
