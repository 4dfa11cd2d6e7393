import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { add, linear, linearReference, linearWeight, weightValues } from '../test/ops.js';
import {
  CancelledError,
  compileProgram,
  Graph,
  plainRows,
  planProgram,
  requestDevice,
  WeightStore,
  type Device,
  type Program,
} from './index.js';

let device: Device;
beforeAll(async () => void (device = await requestDevice()));
afterAll(() => device.destroy());

async function uploadAll(program: Program): Promise<void> {
  for (const weight of program.weights) {
    const [n] = weight.source.shape as [number];
    await program.uploadWeight(weight, plainRows.pack(weightValues(weight), 0, n, weight.source.shape));
  }
}

/** prompt: e = p·Wₚ; step: y = (x·W + e) + e. Odd sizes, so that every row is padded. */
function twoSegments(): Graph {
  const g = new Graph('two', { dtype: 'f32' });
  g.segment('prompt');
  const e = linear(g, g.input('p', [2, 3, 5]), linearWeight(g, 'wp', 7, 5), 'prompt.linear');
  g.segment('step');
  const h = linear(g, g.input('x', [2, 3, 9]), linearWeight(g, 'w', 7, 9), 'step.linear');
  g.output('y', add(g, add(g, h, e, 'step.add1'), e, 'step.add2'));
  return g;
}

const ramp = (length: number, scale = 1): Float32Array => Float32Array.from({ length }, (_, i) => Math.cos(i) * scale);

describe('a program', () => {
  test('runs segments over tensors that persist, with padded rows, and counts exactly what was planned', async () => {
    const before = device.memory.current;
    const program = await compileProgram(twoSegments(), device);
    await uploadAll(program);
    const p = ramp(30);
    program.write('p', p);
    await program.run('prompt');
    const [wp, w] = program.weights;
    for (const scale of [1, -3]) {
      const x = ramp(54, scale);
      program.write('x', x);
      await program.run('step');
      const y = await program.read('y');
      const e = linearReference(p, weightValues(wp!), 5, 7);
      const expected = linearReference(x, weightValues(w!), 9, 7).map((v, i) => v + 2 * e[i]!);
      expect(y.length).toBe(42);
      y.forEach((value, i) => expect(value).toBeCloseTo(expected[i]!, 4));
    }
    const { plan, memory } = program;
    expect(memory).toEqual({
      weightsBytes: plan.weightsBytes,
      intermediatesBytes: plan.intermediatesBytes,
      persistentBytes: plan.persistentBytes,
      pipelines: plan.pipelines,
      dispatches: plan.segments[0]!.dispatches + 2 * plan.segments[1]!.dispatches,
    });
    const held = device.memory.current;
    expect(held.weights - before.weights).toBe(plan.weightsBytes);
    expect(held.intermediates - before.intermediates).toBe(plan.intermediatesBytes);
    expect(held.persistent - before.persistent).toBe(plan.persistentBytes);
    program.dispose();
    expect(device.memory.current).toEqual(before);
  });

  test('is made of a plan as it stands, also twice, and of none for another adapter', async () => {
    const plan = planProgram(twoSegments(), device.profile);
    const [first, second] = [await compileProgram(plan, device), await compileProgram(plan, device)];
    const results: unknown[] = [];
    for (const program of [first, second]) {
      expect(program.plan).toBe(plan);
      await uploadAll(program);
      program.write('p', ramp(30));
      program.write('x', ramp(54));
      await program.run('prompt');
      await program.run('step');
      results.push(await program.read('y'));
    }
    expect(results[1]).toEqual(results[0]);
    first.dispose();
    second.dispose();
    const other = planProgram(twoSegments(), { ...device.profile, name: 'another' });
    await expect(compileProgram(other, device)).rejects.toMatchObject({
      code: 'device/other-profile',
      message: expect.stringMatching(/^two: expected a plan for .*, got one for another\. /) as string,
    });
  });

  test('is cancelled between slices, and runs right afterwards', async () => {
    const own = await requestDevice(); // with expectations of its own: what it learns here is untrue
    const g = new Graph('long', { dtype: 'f32' });
    g.segment('run');
    let x = g.input('x', [16, 64]);
    for (let i = 0; i < 60; i++) x = linear(g, x, linearWeight(g, 'w', 64, 64), `l${i}`, 2500);
    g.output('y', x);
    const program = await compileProgram(g, own);
    const w = new Float32Array(64 * 64);
    for (let i = 0; i < 64; i++) w[i * 64 + ((i + 1) % 64)] = 1; // each layer turns every row by one place
    await program.uploadWeight(program.weights[0]!, [{ elementOffset: 0, values: w }]);
    program.write('x', ramp(16 * 64));

    const controller = new AbortController();
    let seen = 0;
    const stopped = program.run('run', {
      signal: controller.signal,
      onSlice: ({ done, total }) => {
        expect(total).toBe(60);
        seen = done;
        controller.abort();
      },
    });
    await expect(stopped).rejects.toBeInstanceOf(CancelledError);
    expect(seen).toBeGreaterThan(0);
    expect(seen).toBeLessThan(60);
    await expect(program.run('run', { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'cancelled' });

    const slices: number[] = [];
    await program.run('run', { onSlice: ({ done }) => void slices.push(done) });
    expect(slices.length).toBeGreaterThan(1);
    expect(slices.at(-1)).toBe(60);
    const x0 = ramp(16 * 64);
    const turned = x0.map((_, i) => x0[i - (i % 64) + ((i + 60) % 64)]!);
    expect(await program.read('y')).toEqual(turned);
    own.destroy();
  });

  test('takes halves and integers, and gives back what was written', async () => {
    const g = new Graph('values', { dtype: 'f16' });
    g.segment('none');
    g.input('h', [2, 3]);
    g.input('u', [5], 'u32');
    g.input('i', [2, 2], 'i32');
    g.input('scalar', [], 'f32');
    g.input('empty', [0, 3], 'f32');
    const program = await compileProgram(g, device);
    program.write('h', [1, 2.5, -3, 1 / 3, 65504, 1e-8]);
    program.write('u', Uint32Array.of(1, 2, 0xffffffff, 4, 5));
    program.write('i', [-1, 2, -3, 4]);
    program.write('scalar', [7]);
    program.write('empty', []);
    const third = Math.round((1 / 3) * 4096) / 4096;
    expect([...(await program.read('h'))]).toEqual([1, 2.5, -3, third, 65504, 0]);
    expect([...(await program.read('u'))]).toEqual([1, 2, 0xffffffff, 4, 5]);
    expect([...(await program.read('i'))]).toEqual([-1, 2, -3, 4]);
    expect([...(await program.read('scalar'))]).toEqual([7]);
    expect((await program.read('empty')).length).toBe(0);
    expect(() => program.write('h', [1])).toThrow(/expected 6 values/);
    expect(() => program.write('nobody', [1])).toThrow(/expected one of h, u, i, scalar, empty, got "nobody"/);
    await program.run('none');
    expect(() => program.run('nowhere')).toThrow(/expected a segment \(none\)/);
    program.dispose();
    expect(() => program.write('u', new Uint32Array(5))).toThrow(/disposed/);
    await expect(program.run('none')).rejects.toMatchObject({ code: 'program/disposed' });
  });

  test('hands tensors to another program on the GPU', async () => {
    const make = async (name: string, shape: number[]): Promise<Program> => {
      const g = new Graph(name, { dtype: 'f32' });
      g.segment('run');
      g.output('y', add(g, g.input('a', shape), g.input('b', shape)));
      return compileProgram(g, device);
    };
    const [one, two, other] = [await make('one', [3, 5]), await make('two', [3, 5]), await make('other', [5, 3])];
    one.write('a', ramp(15));
    one.write('b', ramp(15, 10));
    await one.run('run');
    one.copyTensor('y', two, 'a');
    await two.run('run');
    expect(await two.read('y')).toEqual(await one.read('y'));
    expect(() => one.copyTensor('y', other, 'a')).toThrow(/expected a to be f32 \[3, 5\]/);
    for (const program of [one, two, other]) program.dispose();
  });

  test('refuses writes while it runs', async () => {
    const program = await compileProgram(twoSegments(), device);
    await uploadAll(program);
    const run = program.run('prompt');
    expect(() => program.write('p', ramp(30))).toThrow(expect.objectContaining({ code: 'program/busy' }));
    await Promise.all([run, program.run('prompt'), program.read('y')]);
    program.write('p', ramp(30));
    program.dispose();
  });
});

describe('weights', () => {
  test('that are missing, misshapen or released stop a run with their name; reloading mends it', async () => {
    const program = await compileProgram(twoSegments(), device, { lazyWeights: true });
    expect(program.memory.weightsBytes).toBe(0);
    await expect(program.run('prompt')).rejects.toThrow(/wp: expected to be on the GPU, got no buffer/);
    const [wp, w] = program.weights;
    const piece = (length: number, offset = 0) => [{ elementOffset: offset, values: new Float32Array(length) }];
    await expect(program.uploadWeight(wp!, piece(3))).rejects.toMatchObject({ code: 'weight/bad-piece' });
    await expect(program.uploadWeight(wp!, piece(56, 4))).rejects.toThrow(/within 224 bytes/);
    await expect(program.uploadWeight(wp!, [{ elementOffset: 0, values: new Uint16Array(8) }])).rejects.toThrow(
      /expected f32 elements/,
    );
    await uploadAll(program);
    program.write('p', ramp(30));
    program.write('x', ramp(54));
    await program.run('prompt');
    await program.run('step');
    const y = await program.read('y');
    expect(program.memory.weightsBytes).toBe(program.plan.weightsBytes);

    expect(await program.keepWeightsOf('step')).toBe(wp!.byteLength);
    expect(program.memory.weightsBytes).toBe(w!.byteLength);
    await expect(program.run('prompt')).rejects.toMatchObject({ code: 'weight/missing' });
    await program.run('step');
    expect(await program.read('y')).toEqual(y);

    await uploadAll(program);
    await program.releaseIntermediates();
    expect(program.memory.intermediatesBytes).toBe(0);
    await program.run('prompt');
    await program.run('step');
    expect(await program.read('y')).toEqual(y);
    expect(program.memory.intermediatesBytes).toBe(program.plan.intermediatesBytes);
    program.dispose();
  });

  test('are shared by programs of different sizes through one store', async () => {
    const store = new WeightStore(device);
    const programs: Program[] = [];
    for (const rows of [2, 7]) {
      const g = new Graph(`rows${rows}`, { dtype: 'f32' });
      g.segment('run');
      g.output('y', linear(g, g.input('x', [rows, 4]), linearWeight(g, 'w', 4, 4)));
      programs.push(await compileProgram(g, device, { weights: store }));
    }
    await uploadAll(programs[0]!);
    expect(store.bytes).toBe(64);
    programs[0]!.dispose();
    programs[1]!.write('x', ramp(28));
    await programs[1]!.run('run');
    const expected = linearReference(ramp(28), weightValues(programs[1]!.weights[0]!), 4, 4);
    (await programs[1]!.read('y')).forEach((value, i) => expect(value).toBeCloseTo(expected[i]!, 4));
    programs[1]!.dispose();
    expect(store.bytes).toBe(64);
    store.dispose();
    expect(store.bytes).toBe(0);
  });

  test('of many megabytes stream through a small window', async () => {
    const g = new Graph('large', { dtype: 'f32' });
    g.segment('run');
    const w = linearWeight(g, 'w', 4096, 4096); // 64 MiB
    g.output('y', linear(g, g.input('x', [1, 4096]), w));
    const program = await compileProgram(g, device);
    const band = new Float32Array(64 * 4096).fill(0.5);
    async function* pieces() {
      for (let row = 0; row < 4096; row += 64) yield { elementOffset: row * 4096, values: band };
    }
    await program.uploadWeight(w, pieces());
    program.write('x', new Float32Array(4096).fill(1));
    await program.run('run');
    expect((await program.read('y')).every((v) => v === 2048)).toBe(true);
    program.dispose();
  });
});

describe('time per kernel', () => {
  test('is measured for every dispatch, and the results are those of a run', async () => {
    const program = await compileProgram(twoSegments(), device);
    await uploadAll(program);
    program.write('p', ramp(30));
    program.write('x', ramp(54));
    await program.run('prompt');
    await program.run('step');
    const y = await program.read('y');
    const times = await program.profileSegment('step');
    expect(await program.read('y')).toEqual(y);
    expect(times.map((t) => [t.op, t.label, t.kernel])).toEqual([
      ['linear', 'step.linear', 'linear/naive'],
      ['add', 'step.add1', 'add/in-place'],
      ['add', 'step.add2', 'add/plain'],
    ]);
    program.dispose();
  });

  test('is in proportion to the work', async () => {
    const g = new Graph('sizes', { dtype: 'f32' });
    g.segment('run');
    const small = linear(g, g.input('x', [64, 32]), linearWeight(g, 'w', 32, 32), 'small');
    g.output('y', small);
    g.output('z', linear(g, g.input('v', [64, 256]), linearWeight(g, 'w2', 256, 256), 'large'));
    const program = await compileProgram(g, device);
    await uploadAll(program);
    await program.run('run');
    const [a, b] = await program.profileSegment('run');
    expect([a!.ms >= 0, b!.ms > a!.ms]).toEqual([true, true]);
    expect([a!.flops, b!.flops]).toEqual([2 * 64 * 32 * 32, 2 * 64 * 256 * 256]);
    program.dispose();
  });

  test('is refused by name where the adapter has no time stamps', async () => {
    const without = await requestDevice({ without: ['timestampQuery'] });
    const program = await compileProgram(twoSegments(), without);
    await uploadAll(program);
    await expect(program.profileSegment('prompt')).rejects.toMatchObject({ code: 'device/missing-feature' });
    without.destroy();
  });
});

test('times runs of a segment in one submission, and counts them', async () => {
  const program = await compileProgram(twoSegments(), device);
  try {
    await uploadAll(program);
    program.write('p', ramp(30));
    program.write('x', ramp(54));
    await program.run('prompt');
    const before = program.memory.dispatches;
    const ms = await program.timeRepeats('step', { repeats: 5, atLeastMs: 0.01 });
    expect(ms).toBeGreaterThan(0);
    expect(program.memory.dispatches - before).toBe(5 * program.plan.segments[1]!.dispatches);
    const repeated = await program.read('y');
    await program.run('step');
    expect(await program.read('y')).toEqual(repeated);
  } finally {
    program.dispose();
  }
});
