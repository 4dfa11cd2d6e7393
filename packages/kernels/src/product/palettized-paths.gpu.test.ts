import type { Device, PickVariant } from '@pleinair/tensor';
import { expectClose, testDevice } from '@pleinair/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { twinRun } from '../../test/decoded-twin.js';
import type { GraphRun } from '../../test/graph-run.js';
import { paletteForms } from '../../test/palettized.js';
import { winogradTolerance, worstError } from '../../test/winograd-tolerance.js';
import { wholePicture } from '../bands/band.js';
import { bandConv } from '../bands/band-conv.js';
import { conv2d, convWeight, type Conv2dOptions } from '../conv2d/conv2d.js';
import { narrowConv } from '../conv2d/narrow.js';
import { scaleBy } from '../latent/elementwise.js';
import { geglu } from '../matmul/geglu.js';
import { gegluFeedForward } from '../matmul/geglu-feed-forward.js';
import { linear, linearWeight } from '../matmul/linear.js';

// Every path on which a layer of the models meets its weight, with palettized weights and with the same ones decoded.
// What the layers should give is tested beside each of them; here only the weight differs.

const turn = { lavapipe: 0, swiftshader: 1 }[process.env['PLEINAIR_TEST_ADAPTER'] ?? ''];

let device: Device;
beforeAll(async () => {
  device = await testDevice();
});

/** A path: records its output under a name of its own and tells how many numbers each value sums. */
type Path = (t: GraphRun, label: string) => { readonly reductionLength: number; readonly termScale?: number };

/** A layer with its weight at a scope of its own; outputs and channels fill neither blocks nor vec4s, but where said. */
const products: Readonly<Record<string, Path>> = {
  'linear layer'(t, label) {
    const w = linearWeight(t.scope.in(label), 70, 33);
    t.graph.output(label, linear(t.graph, t.input(`${label}.x`, [2, 19, 33]), w, { label }));
    return { reductionLength: 33 };
  },
  'outputs that fill their vec4s'(t, label) {
    const w = linearWeight(t.scope.in(label), 36, 8);
    t.graph.output(label, linear(t.graph, t.input(`${label}.x`, [1, 9, 8]), w, { label }));
    return { reductionLength: 8 };
  },
  // As the time embedding's two layers.
  'few rows'(t, label) {
    const w = linearWeight(t.scope.in(label), 45, 37);
    t.graph.output(label, linear(t.graph, t.input(`${label}.x`, [3, 37]), w, { label }));
    return { reductionLength: 37 };
  },
  // As keys and values, or the projections of all time embeddings.
  'columns of a shared tensor'(t, label) {
    const x = t.input(`${label}.x`, [1, 11, 22]);
    const tensor = t.graph.tensor(label, [1, 11, 30]);
    for (const [name, n, firstColumn] of [
      ['first', 18, 0],
      ['second', 10, 20],
    ] as const) {
      const w = linearWeight(t.scope.in(`${label}.${name}`), n, 22);
      linear(t.graph, x, w, { into: { tensor, firstColumn }, label: name });
    }
    t.graph.output(label, tensor);
    return { reductionLength: 22 };
  },
  geglu(t, label) {
    const w = linearWeight(t.scope.in(label), 2 * 44, 10);
    t.graph.output(label, geglu(t.graph, t.input(`${label}.x`, [2, 7, 10]), w, { label }));
    return { reductionLength: 10, termScale: 16 };
  },
  'GEGLU feed-forward'(t, label) {
    const scope = t.scope.in(label);
    const proj = linearWeight(scope.in('proj'), 2 * 20, 10);
    const out = linearWeight(scope.in('out'), 38, 20);
    const x = t.input(`${label}.x`, [1, 13, 10]);
    const residual = t.input(`${label}.residual`, [1, 13, 38]);
    t.graph.output(label, gegluFeedForward(t.graph, x, { proj, out, residual, slices: 2, label }));
    return { reductionLength: 30, termScale: 16 };
  },
};

function convolution(
  shape: readonly [number, number, number, number],
  cout: number,
  kernel: 1 | 3,
  options: Omit<Conv2dOptions, 'label' | 'second'> & { readonly second?: number } = {},
): Path {
  return (t, label) => {
    const c2 = options.second;
    const second = c2 === undefined ? undefined : t.input(`${label}.second`, [...shape.slice(0, 3), c2]);
    const cins = c2 === undefined ? [shape[3]] : [shape[3], c2];
    const w = convWeight(t.scope.in(label), cout, cins, kernel);
    const y = conv2d(t.graph, t.input(`${label}.x`, shape), w, { ...options, second, label });
    t.graph.output(label, y);
    return { reductionLength: kernel * kernel * cins.reduce((a, b) => a + b, 0) };
  };
}

const convolutions: Readonly<Record<string, Path>> = {
  '1×1': convolution([2, 3, 7, 10], 37, 1),
  '1×1 of two inputs': convolution([2, 4, 5, 3], 34, 1, { second: 5 }),
  '3×3': convolution([2, 5, 7, 10], 38, 3),
  '3×3, conv_in': convolution([1, 4, 9, 4], 33, 3),
  '3×3, conv_out': convolution([1, 5, 5, 34], 3, 3),
  '3×3, stride 2': convolution([3, 7, 6, 5], 9, 3, { stride: 2 }),
  '3×3, stride 2, asymmetric': convolution([1, 6, 8, 6], 10, 3, { stride: 2, padding: 'asymmetric' }),
  '3×3, upsampled': convolution([2, 3, 5, 6], 70, 3, { upsample: 2 }),
  '3×3 of two inputs': convolution([2, 4, 5, 6], 35, 3, { second: 9 }),
  'narrowing over its input'(t, label) {
    const x = scaleBy(t.graph, t.input(`${label}.x`, [1, 24, 33, 18]), 2, { label: `${label}.double` });
    const y = narrowConv(t.graph, x, convWeight(t.scope.in(label), 7, [18], 1), { label });
    t.graph.output(label, scaleBy(t.graph, y, 1, { label: `${label}.out` }));
    return { reductionLength: 18, termScale: 2 };
  },
  ...Object.fromEntries(
    (
      [
        ['1×1 in a band', 1, 1],
        ['3×3 in a band', 3, 1],
        ['3×3 in a band, stride 2', 3, 2],
      ] as const
    ).map(([name, kernel, stride]): [string, Path] => [
      name,
      (t, label) => {
        const x = wholePicture(t.input(`${label}.x`, [1, 12, 10, 6]), t.whole(`${label}.position`, [1], 1));
        const w = convWeight(t.scope.in(label), 35, [6], kernel);
        const { tensor } = bandConv(t.graph, x, w, { rows: 3, lag: 0, stride, label });
        t.graph.output(label, tensor);
        return { reductionLength: 6 * kernel ** 2 };
      },
    ]),
  ),
};

/** Variants that software adapters compile soon, the one for few rows included; everywhere the direct algorithm. */
const direct: PickVariant = (key, variants) =>
  variants.find((name) => name === (key.startsWith('linear 3x') ? 'few4' : 'columns4x32')) ?? 'tiled32x32';

const winograds = [
  { name: 'winograd4-loaded', m: 4, cout: 33, path: (cout: number) => convolution([2, 13, 7, 18], cout, 3) },
  {
    name: 'winograd2-sliced',
    m: 2,
    cout: 38,
    path: (cout: number) => convolution([1, 10, 11, 9], cout, 3, { second: 10 }),
  },
] as const;

/**
 * What decodes a weight knows nothing of the activations: every form takes one of their storages in turn, the commonest
 * form both. Software adapters share them out, since each kernel of each form has to be translated, for which lavapipe takes
 * several times as long: it is asked of the commonest form in f16, which SwiftShader has not. The plain paths meet every form
 * on both beside their families (`palettized-weight.gpu.test.ts`).
 */
const all = [
  ...paletteForms.map((form, i) => ({ dtype: i % 2 === 0 ? ('f32' as const) : ('f16' as const), form })),
  ...(['f32', 'f16'] as const).map((dtype) => ({ dtype, form: { bits: 4 as const } })),
].filter((_, i, { length }) => turn === undefined || (i === length - 1) === (turn === 0));

describe.each(all)('activations $dtype, palettes $form', ({ dtype, form }) => {
  it.each([
    ['products', products],
    ['convolutions', convolutions],
  ])('%s give what decoded weights give', async (_, paths) => {
    const accuracy = new Map<string, ReturnType<Path>>();
    const options = { dtype, form, transformedWeights: true, pick: direct };
    const { outputs, plan, weightsBytes } = await twinRun(device, options, (t) => {
      for (const [label, path] of Object.entries(paths)) accuracy.set(label, path(t, label));
    });
    for (const [label, sums] of accuracy) {
      const { palettized, decoded } = outputs.get(label)!;
      expect(
        decoded.some((value) => value !== 0),
        label,
      ).toBe(true);
      named(label, () => expectClose(palettized, decoded, { dtype, ...sums }));
    }
    expect(weightsBytes).toBe(plan.weightsBytes);
    expect(plan.weights.every(({ palette }) => palette !== undefined)).toBe(true);
  });

  it('Winograd’s algorithm transforms what it decodes, and keeps no transformed weight', async () => {
    const taken = new Set<string>();
    const offered = new Set<string>();
    const pick: PickVariant = (key, variants) => {
      if (key.includes('palette')) for (const name of variants) offered.add(name);
      // Outputs tell in a shape's key which convolution it is.
      const wanted = winograds.find(({ name, cout }) => key.includes(`x${cout} `) && variants.includes(name));
      if (!wanted) return direct(key, variants);
      if (key.includes('palette')) taken.add(wanted.name);
      return wanted.name;
    };
    const options = { dtype, form, transformedWeights: true, scratchBytes: 2 ** 24, pick };
    const { outputs, plan, weightsBytes } = await twinRun(device, options, (t) => {
      for (const { name, cout, path } of winograds) path(cout)(t, name);
    });
    expect([...taken].sort()).toEqual(winograds.map(({ name }) => name).sort());
    expect([...offered].filter((name) => /^winograd\d$/.test(name))).toEqual([]);
    for (const { name, m } of winograds) {
      const { palettized, decoded } = outputs.get(name)!;
      const allowed = winogradTolerance(decoded, { dtype, reductionLength: 9 * 19, m });
      expect(worstError(palettized, decoded), name).toBeLessThan(allowed);
    }
    expect(weightsBytes).toBe(plan.weightsBytes);
    expect(plan.weights.every(({ palette }) => palette !== undefined)).toBe(true);
  });
});

function named(label: string, check: () => void): void {
  try {
    check();
  } catch (error) {
    throw new Error(`${label}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}
