import { compileProgram, Graph, plainRows, toHalfArray, WeightScope, type Device, type Tensor } from '@pleinair/tensor';
import { expectClose, randomHalves, testDevice } from '@pleinair/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { kernelsOf, tintErrors } from '../../test/tint.js';
import { convWeight } from '../conv2d/conv2d.js';
import { convGeometry } from '../conv2d/geometry.js';
import { convReference } from '../conv2d/reference.js';
import { activationReference } from '../shader/activation.js';
import { wholePicture, type BandTensor } from './band.js';
import { bandConv } from './band-conv.js';
import { bandNormSilu } from './band-norm-silu.js';
import { bandToWhole } from './band-to-whole.js';
import { groupMoments } from './group-moments.js';
import { momentsAffine } from './moments-affine.js';
import { sampleEvenly } from './sample-evenly.js';
import { samplePixels } from './sample-pixels.js';

let device: Device;
beforeAll(async () => {
  device = await testDevice();
});

const eps = 1e-3;

/** Mean and variance over a group's channels of all pixels. */
function moments(x: Float32Array, channels: number, groups: number, group: number): [mean: number, variance: number] {
  const size = channels / groups;
  const own = x.filter((_, i) => Math.floor((i % channels) / size) === group);
  const mean = own.reduce((a, b) => a + b, 0) / own.length;
  return [mean, own.reduce((a, b) => a + (b - mean) ** 2, 0) / own.length];
}

describe.each(['f32', 'f16'] as const)('a picture in bands, %s', (dtype) => {
  const [height, width, cin, cout] = [11, 6, 6, 10];
  const values = {
    x: randomHalves(height * width * cin, 1),
    w1: randomHalves(cin * cin * 9, 2, 0.25),
    w2: randomHalves(cout * cin * 9, 3, 0.25),
    w3: randomHalves(cout * cout * 9, 4, 0.25),
    b1: randomHalves(cin, 5),
    b2: randomHalves(cout, 6),
    b3: randomHalves(cout, 7),
  };

  /** A convolution, one that doubles and one that halves. */
  function record(g: Graph, rows: number): { doubled: BandTensor; halved: BandTensor; first: BandTensor } {
    const scope = new WeightScope(g);
    const position = g.input('position', [1], 'u32');
    const kept = (name: string, columns: number, channels: number): Tensor =>
      g.hold(g.tensor(name, [1, 2, columns, channels]));
    const weight = (name: string, out: number, inputs: number): ReturnType<typeof convWeight> =>
      convWeight(scope.in(name), out, [inputs], 3);
    const bias = (name: string, out: number): ReturnType<typeof scope.weight> =>
      scope.in(name).weight('bias', [out], plainRows);
    const x = wholePicture(g.input('x', [1, height, width, cin]), position);
    const first = bandConv(g, x, weight('w1', cin, cin), {
      rows,
      lag: 0,
      bias: bias('b1', cin),
      carry: kept('k1', width, cin),
      label: 'first',
    });
    const doubled = bandConv(g, first, weight('w2', cout, cin), {
      rows: 2 * rows,
      lag: 1,
      upsample: 2,
      bias: bias('b2', cout),
      carry: kept('k2', 2 * width, cout),
      label: 'doubled',
    });
    const halved = bandConv(g, doubled, weight('w3', cout, cout), {
      rows,
      lag: 1,
      stride: 2,
      pad: 0,
      bias: bias('b3', cout),
      label: 'halved',
    });
    return { first, doubled, halved };
  }

  it.each([2, 3, 8, 16])('%d rows a band: convolutions are those of the whole picture', async (rows) => {
    const g = new Graph('bands', { dtype });
    g.segment('run');
    const { halved, doubled } = record(g, rows);
    g.output('halved', halved.tensor);
    groupMoments(g, doubled, { groups: 2, into: g.state('moments', [2, 4], 'f32'), label: 'moments' });
    const program = await compileProgram(g, device);
    const dispatches = program.plan.segments.flatMap((s) => s.nodes.flatMap((n) => n.dispatches));
    expect(await tintErrors(kernelsOf(dispatches))).toEqual([]);
    for (const w of program.weights) {
      const [name] = w.source.name.split('.') as [keyof typeof values];
      const own = values[name];
      const elements = w.storage === 'f16' ? toHalfArray(own) : own;
      await program.uploadWeight(w, w.layout.pack(elements, 0, w.source.shape[0]!, w.source.shape));
    }
    program.write('x', values.x);
    const out = new Float32Array(height * width * cout);
    for (let band = 0; band * rows < height + 1; band++) {
      program.write('position', Uint32Array.of(band));
      await program.run('run');
      const got = (await program.read('halved')) as Float32Array;
      for (let j = 0; j < rows; j++) {
        const y = band * rows - 1 + j;
        if (y < 0 || y >= height) continue;
        out.set(got.subarray(j * width * cout, (j + 1) * width * cout), y * width * cout);
      }
    }
    const one = convReference({
      geometry: convGeometry('one', [1, height, width, cin], { kernel: 3 }),
      inputs: [{ data: values.x, channels: cin }],
      weight: values.w1,
      cout: cin,
      bias: values.b1,
    });
    const two = convReference({
      geometry: convGeometry('two', [1, height, width, cin], { kernel: 3, upsample: 2 }),
      inputs: [{ data: Float32Array.from(one), channels: cin }],
      weight: values.w2,
      cout,
      bias: values.b2,
    });
    const three = convReference({
      geometry: convGeometry('three', [1, 2 * height, 2 * width, cout], {
        kernel: 3,
        stride: 2,
        padding: 'asymmetric',
      }),
      inputs: [{ data: Float32Array.from(two), channels: cout }],
      weight: values.w3,
      cout,
      bias: values.b3,
    });
    // Stored twice on the way; each rounding goes through up to 90 terms of a quarter.
    expectClose(out, three, { dtype, reductionLength: 9 * cout * 9 * cin, termScale: 4 });
    const found = (await program.read('moments')) as Float32Array;
    for (const group of [0, 1]) {
      const [mean, variance] = moments(Float32Array.from(two), cout, 2, group);
      expect(found[4 * group]).toBe(4 * height * width * (cout / 2));
      expectClose([found[4 * group + 1]!], [mean], { dtype, reductionLength: 9 * cin });
      expectClose([found[4 * group + 2]! / found[4 * group]!], [variance], { dtype, reductionLength: 9 * cin });
    }
    program.dispose();
  });

  it('moments become scale and shift, corrected by how far a guess was off, and are applied', async () => {
    const groups = 3;
    const g = new Graph('affine', { dtype });
    g.segment('run');
    const position = g.input('position', [1], 'u32');
    const scope = new WeightScope(g);
    const x = wholePicture(g.input('x', [1, height, width, cin]), position);
    const gamma = scope.weight('b1.weight', [cin], plainRows);
    const beta = scope.weight('b1.bias', [cin], plainRows);
    const correction = { guessed: g.input('guessed', [groups, 4], 'f32'), found: g.input('found', [groups, 4], 'f32') };
    const own = groupMoments(g, x, { groups, label: 'own' });
    const plain = momentsAffine(g, own, { gamma, beta, eps, label: 'plain' });
    const moved = momentsAffine(g, own, { gamma, beta, eps, correction, label: 'moved' });
    g.output('plain', bandNormSilu(g, x, plain, { label: 'plain.out' }).tensor);
    g.output('moved', bandNormSilu(g, x, moved, { label: 'moved.out' }).tensor);
    g.output('sampled', samplePixels(g, x.tensor, { every: 4, label: 'sampled' }));
    const program = await compileProgram(g, device);
    for (const w of program.weights) {
      const elements = w.storage === 'f16' ? toHalfArray(values.b1) : values.b1;
      await program.uploadWeight(w, w.layout.pack(elements, 0, cin, [cin]));
    }
    program.write('position', Uint32Array.of(5));
    program.write('x', values.x);
    const guessed = Float32Array.of(10, 0.5, 20, 0, 10, -0.25, 5, 0, 10, 0, 40, 0);
    const found = Float32Array.of(30, 0.75, 30, 0, 30, -0.5, 30, 0, 30, 1, 60, 0);
    program.write('guessed', guessed);
    program.write('found', found);
    await program.run('run');
    for (const name of ['plain', 'moved'] as const) {
      const expected = values.x.map((v, i) => {
        const c = i % cin;
        const group = Math.floor(c / (cin / groups));
        let [mean, variance] = moments(values.x, cin, groups, group);
        variance += eps;
        if (name === 'moved') {
          const taken = guessed[4 * group + 2]! / guessed[4 * group]! + eps;
          mean += (found[4 * group + 1]! - guessed[4 * group + 1]!) * Math.sqrt(variance / taken);
          variance *= (found[4 * group + 2]! / found[4 * group]! + eps) / taken;
        }
        return activationReference('silu', ((v - mean) / Math.sqrt(variance)) * values.b1[c]! + values.b1[c]!);
      });
      expectClose(await program.read(name), expected, { dtype, reductionLength: height * width * 2 });
    }
    const sampled = (await program.read('sampled')) as Float32Array;
    const rowsAt = [2, 6, 10];
    const expected = rowsAt.flatMap((y) =>
      [2, 5].flatMap((at) => Array.from(values.x.subarray((y * width + at) * cin, (y * width + at + 1) * cin))),
    );
    expect([...sampled]).toEqual(expected);
    program.dispose();
  });

  it.each([1, 2, 4, 16])(
    'rows in bands of %d come to lie where they belong, those beyond the picture nowhere',
    async (rows) => {
      const lag = 3;
      const g = new Graph('whole', { dtype });
      g.segment('run');
      const position = g.input('position', [1], 'u32');
      const tensor = g.input('band', [1, rows, width, cin]);
      const into = g.state('into', [1, height, width, cin]);
      bandToWhole(
        g,
        { tensor, window: { position, step: rows, offset: lag, height, keep: 0 } },
        { into, label: 'whole' },
      );
      const program = await compileProgram(g, device);
      program.write('into', new Float32Array(height * width * cin).fill(-9));
      const line = width * cin;
      for (let band = 0; band * rows < height + lag; band++) {
        const own = new Float32Array(rows * line).fill(7);
        for (let j = 0; j < rows; j++) {
          const y = band * rows - lag + j;
          if (y >= 0 && y < height) own.set(values.x.subarray(y * line, (y + 1) * line), j * line);
        }
        program.write('position', Uint32Array.of(band));
        program.write('band', own);
        await program.run('run');
      }
      expect([...((await program.read('into')) as Float32Array)]).toEqual([...values.x]);
      program.dispose();
    },
  );

  it.each([
    { rows: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10], columns: [0, 1, 2, 3, 4, 5] },
    { rows: [1, 5, 9], columns: [0, 2, 3, 5] },
    { rows: [5], columns: [3] },
  ])('so many rows and columns, evenly spread: $rows, $columns', async ({ rows, columns }) => {
    const g = new Graph('evenly', { dtype });
    g.segment('run');
    const size = { height: rows.length, width: columns.length };
    g.output('y', sampleEvenly(g, g.input('x', [1, height, width, cin]), { size, label: 'evenly' }));
    const program = await compileProgram(g, device);
    program.write('x', values.x);
    await program.run('run');
    const expected = rows.flatMap((y) =>
      columns.flatMap((at) => Array.from(values.x.subarray((y * width + at) * cin, (y * width + at + 1) * cin))),
    );
    expect([...((await program.read('y')) as Float32Array)]).toEqual(expected);
    program.dispose();
  });
});

it('a copy is no larger than the picture, and a whole picture has its own size', () => {
  const g = new Graph('refused', { dtype: 'f32' });
  g.segment('run');
  const position = g.input('position', [1], 'u32');
  const x = g.input('x', [1, 4, 4, 4]);
  expect(() => sampleEvenly(g, x, { size: { height: 5, width: 4 }, label: 'copy' })).toThrow(/from 1 to 4, got 5/);
  const into = g.state('into', [1, 5, 4, 4]);
  expect(() => bandToWhole(g, wholePicture(x, position), { into, label: 'whole' })).toThrow(/a picture of/);
});
