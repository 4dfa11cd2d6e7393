import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { add, linear, linearReference, linearWeight, weightValues } from '../test/ops.js';
import { compileProgram, Graph, plainRows, requestDevice, WeightStore, type Device, type Program } from './index.js';

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
});
