import { compileProgram, Graph, plainRows, WeightScope, type Device } from '@pleinair/tensor';
import { expectClose, randomArray, randomHalves, testDevice } from '@pleinair/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { kernelsOf, tintErrors } from '../../test/tint.js';
import { stored } from '../../test/run-op.js';
import { activationReference } from '../shader/activation.js';
import { wholePicture } from './band.js';
import { bandOfWhole } from './band-of-whole.js';
import { bandToWhole } from './band-to-whole.js';
import { groupMoments } from './group-moments.js';
import { momentsAffine } from './moments-affine.js';
import { nextCode } from './next-code.js';
import { recodeBand } from './recode-band.js';

let device: Device;
beforeAll(async () => {
  device = await testDevice();
});

const [height, width, channels, groups, rows] = [7, 3, 6, 2, 2];
const [padded, eps] = [8, 1e-3];

/** Mean and variance of a group over all pixels of `x` `[h·w, C]`. */
function moments(x: Float32Array, group: number): [mean: number, variance: number] {
  const size = channels / groups;
  const own = x.filter((_, i) => Math.floor((i % channels) / size) === group);
  const mean = own.reduce((a, b) => a + b, 0) / own.length;
  return [mean, own.reduce((a, b) => a + (b - mean) ** 2, 0) / own.length];
}

/** A code `[1, 2, C]` as the host writes it: scales above 1, shifts. */
const code = Float32Array.from({ length: 2 * channels }, (_, i) => (i < channels ? 1.5 + i / 4 : i - 8));

describe('a picture that is kept whole', () => {
  it.each([
    { keeps: 'f16', adds: true },
    { keeps: 'f32', adds: false },
  ] as const)('in $keeps: a sum is measured, coded and written over it (added: $adds)', async ({ keeps, adds }) => {
    const g = new Graph('level', { dtype: 'f32' });
    g.segment('add');
    const position = g.input('position', [1], 'u32');
    const whole = wholePicture(g.state('whole', [1, height, width, channels], keeps), position);
    const x = wholePicture(g.input('x', [1, height, width, channels]), position);
    const affine = g.input('affine', [1, 2, padded]);
    const before = g.input('before', [1, 2, padded]);
    const found = g.state('found', [groups, 4], 'f32');
    const seen = g.state('seen', [groups, 4], 'f32');
    const next = nextCode(g, seen, { channels, before, label: 'next' });
    g.output('next', next);
    // SiLU of the scaled rows around each band is read; its middle rows are what is added.
    const band = bandOfWhole(g, x, { rows, around: 1, norm: { affine, silu: true }, label: 'band' });
    g.output('band', band.tensor);
    const delta = bandOfWhole(g, x, { rows, around: 0, norm: { affine, silu: true }, label: 'delta' });
    const sum = recodeBand(g, delta, { ...(adds ? { onto: { whole, code: before } } : {}), code: next, label: 'sum' });
    groupMoments(g, sum, { groups, into: found, label: 'found' });
    bandToWhole(g, sum, { into: whole.tensor, label: 'kept' });
    const scope = new WeightScope(g);
    const [gamma, beta] = [scope.weight('gamma', [channels], plainRows), scope.weight('beta', [channels], plainRows)];
    g.output('norm', momentsAffine(g, seen, { gamma, beta, eps, code: before, label: 'norm' }));
    const program = await compileProgram(g, device);
    const dispatches = program.plan.segments.flatMap((s) => s.nodes.flatMap((n) => n.dispatches));
    expect(await tintErrors(kernelsOf(dispatches))).toEqual([]);
    const [scales, shifts] = [randomHalves(channels, 5), randomHalves(channels, 6)];
    for (const [i, weight] of program.weights.entries()) {
      await program.uploadWeight(weight, weight.layout.pack(i === 0 ? scales : shifts, 0, channels, [channels]));
    }
    const pad = (rowsOf: ArrayLike<number>): Float32Array<ArrayBuffer> =>
      Float32Array.from({ length: 2 * padded }, (_, i) =>
        i % padded < channels ? rowsOf[Math.floor(i / padded) * channels + (i % padded)]! : i < padded ? 1 : 0,
      );
    const scaling = randomHalves(2 * channels, 4);
    // As a norm's: nothing in its pad lanes.
    program.write(
      'affine',
      pad(scaling).map((v, i) => (i % padded < channels ? v : 0)),
    );
    program.write('before', pad(code));
    const values = randomArray(height * width * channels, 1, 2);
    const old = stored(randomArray(height * width * channels, 2, 3), keeps);
    program.write('x', values);
    program.write('whole', old);
    // Of what is stored: count, mean and squares; the second group hardly varies.
    const stats = [0, 1].map((group) => moments(old, group));
    const pixels = (height * width * channels) / groups;
    const told = stats.map(([mean, variance], i) => [mean, i === 0 ? variance : 0.25] as const);
    program.write('seen', Float32Array.from(told.flatMap(([m, v]) => [pixels, m, v * pixels, 0])));
    const activated = values.map((v, i) => {
      const c = i % channels;
      return activationReference('silu', v * scaling[c]! + scaling[channels + c]!);
    });
    for (let b = 0; b * rows < height; b++) {
      program.write('position', Uint32Array.of(b));
      await program.run('add');
      const got = (await program.read('band')) as Float32Array;
      const expected = Float32Array.from({ length: (rows + 2) * width * channels }, (_, i) => {
        const at = (b * rows - 1) * width * channels + i;
        return at < 0 || at >= activated.length ? 0 : activated[at]!;
      });
      expectClose(got, expected, { dtype: 'f32', reductionLength: 4, termScale: 8 });
    }
    const scale = (c: number): number => code[c]! * Math.max(1, Math.sqrt(told[Math.floor(c / 3)]![1]));
    const shift = (c: number): number => told[Math.floor(c / 3)]![0] * code[c]! + code[channels + c]!;
    const coded = activated.map((v, i) => {
      const c = i % channels;
      const plain = adds ? old[i]! * code[c]! + code[channels + c]! : 0;
      return (v + plain - shift(c)) / scale(c);
    });
    const next2 = (await program.read('next')) as Float32Array;
    expectClose(
      [...next2].filter((_, i) => i % padded < channels),
      Float32Array.from({ length: 2 * channels }, (_, i) => (i < channels ? scale(i) : shift(i - channels))),
      { dtype: 'f32', reductionLength: 4, termScale: 16 },
    );
    expectClose(await program.read('whole'), coded, {
      dtype: keeps,
      reductionLength: 4,
      termScale: 16,
    });
    const measured = (await program.read('found')) as Float32Array;
    [0, 1].forEach((group) => {
      const [mean, variance] = moments(coded, group);
      const [count, gotMean, squares] = measured.subarray(group * 4, group * 4 + 3);
      expect(count).toBe(pixels);
      expectClose([gotMean!, squares! / pixels], [mean, variance], {
        dtype: 'f32',
        reductionLength: pixels,
        termScale: 64,
      });
    });
    // A norm of what is stored is the norm of its values.
    const norm = (await program.read('norm')) as Float32Array;
    const expectedNorm = Array.from({ length: 2 * channels }, (_, i) => {
      const c = i % channels;
      const [mean, variance] = told[Math.floor(c / 3)]!;
      const a = (scales[c]! * code[c]!) / Math.sqrt(variance * code[c]! ** 2 + eps);
      return i < channels ? a : shifts[c]! - mean * a;
    });
    expectClose(
      [...norm].filter((_, i) => i % padded < channels),
      expectedNorm,
      { dtype: 'f32', reductionLength: 8, termScale: 16 },
    );
    program.dispose();
  });
});
