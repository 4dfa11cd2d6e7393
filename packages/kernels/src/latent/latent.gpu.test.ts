import { expectClose, freshDevice, randomArray, testDevice } from '@pleinair/testing';
import { Graph, type Device } from '@pleinair/tensor';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runOp, stored } from '../../test/run-op.js';
import { blendLatents } from './blend-latents.js';
import { concatChannels } from './concat-channels.js';
import { add, scaleBy } from './elementwise.js';
import { guideRescaled } from './guide-rescaled.js';
import { modelInput } from './model-input.js';
import { sdxlLatentToRgb } from './preview-factors.js';
import { guideRescaledReference, rgbaReference, solverStepReference } from './reference.js';
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

describe('guideRescaled', () => {
  for (const dtype of ['f32', 'f16'] as const) {
    // A kernel each: compiling them is what takes time.
    it.each([dtype === 'f32' ? (['in one output', 3, 6] as const) : (['in turn', 2, 5] as const)])(
      `brings a guided pair back to its spread, picture by picture: %s, %i pictures, %i channels, ${dtype}`,
      async (how, pictures, channels) => {
        const shape = [pictures, 7, 5, channels] as const;
        const count = 35 * channels;
        const g = graph(dtype);
        const inOne = how === 'in one output';
        const step = g.input('step', [4], 'f32');
        const outputs = inOne
          ? [g.input('m', [2 * pictures, ...shape.slice(1)])]
          : [g.input('m', shape), g.input('cond', shape)];
        g.output('guided', guideRescaled(g, { outputs, step, rescale: 3, label: 'guide' }));
        // Away from zero, and of other spreads a picture, so that a mean or a picture mixed up would show.
        const values = (seed: number): Float32Array<ArrayBuffer> =>
          stored(
            randomArray(pictures * count, seed).map((v, i) => v * (1 + Math.floor(i / count)) + 0.7),
            dtype,
          );
        const [uncond, cond] = [values(1), values(2)];
        const inputs: Record<string, Float32Array<ArrayBuffer>> = inOne
          ? { m: Float32Array.from([...uncond, ...cond]) }
          : { m: uncond, cond };
        const { guided } = await runOp(g, device, { inputs: { step: Float32Array.of(1, 5, 9, 0.7), ...inputs } }, [
          'guided',
        ]);
        for (let p = 0; p < pictures; p++) {
          const of = (all: Float32Array): Float32Array => all.subarray(p * count, (p + 1) * count);
          const expected = guideRescaledReference(of(uncond), of(cond), 5, 0.7);
          expectClose(of(guided as Float32Array), expected, { dtype: 'f32', reductionLength: count, termScale: 16 });
        }
      },
    );
  }

  it('refuses what is no pair', () => {
    const g = graph('f32');
    const step = g.input('step', [3], 'f32');
    const options = { step, rescale: 2, label: 'guide' };
    expect(() => guideRescaled(g, { ...options, outputs: [g.input('m', [3, 2, 2, 4])] })).toThrow(/both halves/);
    expect(() => guideRescaled(g, { ...options, outputs: [g.input('n', [2, 2, 2, 4])], rescale: 3 })).toThrow(
      /4 numbers/,
    );
  });
});

describe('blendLatents', () => {
  it.each([
    [0, 4],
    [2, 6],
  ])('keeps what lies outside the mask, with %i slots of %i channels', async (slots, channels) => {
    const shape = [2, 3, 5, channels] as const;
    const count = 30 * channels;
    const g = graph('f16');
    const planes = g.state('planes', [1 + slots, ...shape], 'f32');
    const step = g.input('step', [5], 'f32');
    const given = { original: randomArray(count, 1), noise: randomArray(count, 2), mask: randomArray(count, 3) };
    given.mask.forEach((v, i) => (given.mask[i] = i % 3 === 0 ? 0 : i % 3 === 1 ? 1 : Math.abs(v)));
    const [original, noise, mask] = Object.keys(given).map((name) => g.input(name, shape, 'f32'));
    blendLatents(g, { planes, step, first: 3, original: original!, noise: noise!, mask: mask!, label: 'blend' });
    const state = randomArray((1 + slots) * count, 4);
    const inputs = { planes: state, step: Float32Array.of(1, 2, 3, 0.6, 1.7), ...given };
    const { planes: actual } = await runOp(g, device, { inputs }, ['planes']);
    const expected = Float64Array.from(state, (x, i) => {
      if (i >= count) return x;
      const m = given.mask[i]!;
      return m * x + (1 - m) * (0.6 * given.original[i]! + 1.7 * given.noise[i]!);
    });
    expectClose(actual!, expected, { dtype: 'f32', reductionLength: 3, termScale: 4 });
  });

  it('refuses operands of other shapes', () => {
    const g = graph('f32');
    const planes = g.state('planes', [1, 1, 2, 2, 4], 'f32');
    const [a, b] = [g.input('a', [1, 2, 2, 4], 'f32'), g.input('b', [1, 2, 2, 1], 'f32')];
    const options = { planes, original: a, noise: a, mask: a, first: 2, label: 'blend' };
    expect(() => blendLatents(g, { ...options, step: g.input('short', [3], 'f32') })).toThrow(/at least 4 numbers/);
    expect(() => blendLatents(g, { ...options, mask: b, step: g.input('step', [4], 'f32') })).toThrow(/expected mask/);
  });
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
