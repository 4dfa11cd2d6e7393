import { modelInput, scaleBy, solverStep } from '@pleinair/kernels';
import {
  applyStep,
  createNoiseSource,
  initialState,
  schedulerFromConfig,
  type SamplingPlan,
  type StateArray,
} from '@pleinair/schedulers';
import { compileProgram, Graph, type Device, type Program } from '@pleinair/tensor';
import { expectClose, testDevice } from '@pleinair/testing';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { stepParameters } from './denoiser-graph.js';

const SHAPE = [1, 3, 5, 4] as const;
const COUNT = 60;
const STEPS = 4;

/** What stands for the UNet: its output is its input times this. */
const FACTOR = 0.5;

const CONFIG = { beta_start: 0.00085, beta_end: 0.012, beta_schedule: 'scaled_linear', clip_sample: false };

/** Two of each form the kernel takes, by planes and noise: PNDM's five planes, UniPC's four, SDE's with noise kept. */
const NAMES = [
  'PNDMScheduler',
  'unipc',
  'lms',
  'dpmpp-sde',
  'dpmpp-3m-sde',
  'dpm2',
  'deis',
  'dpm2-ancestral',
  'dpmpp-2m-sde',
  'ddpm',
  'lcm',
  'tcd',
  'EDMEulerScheduler',
];

/** SwiftShader compiles each of the seven kernels anew; the kernel itself is held to its reference on both. */
const slow = process.env['PLEINAIR_TEST_ADAPTER'] === 'swiftshader';

describe.skipIf(slow)('solvers on the GPU, beside the loop in float64 (asked of one adapter, not SwiftShader)', () => {
  let device: Device;
  const programs = new Map<string, Program>();
  beforeAll(async () => {
    device = await testDevice();
  });
  afterAll(() => programs.forEach((program) => program.dispose()));

  /** One program for all plans with as many planes and a need for noise. */
  async function programOf({ slots, evaluations }: SamplingPlan): Promise<Program> {
    const draws = evaluations.some(({ drawsNoise }) => drawsNoise);
    const key = `${slots} ${String(draws)}`;
    const known = programs.get(key);
    if (known) return known;
    const g = new Graph('solvers', { dtype: 'f32' });
    g.segment('step');
    const planes = g.state('planes', [1 + slots, ...SHAPE], 'f32');
    const step = g.input('step', [stepParameters(slots)], 'f32');
    const noise = draws ? g.input('noise', SHAPE, 'f32') : undefined;
    const shown = modelInput(g, { planes, step, copies: 1, label: 'shown' });
    const output = scaleBy(g, shown, FACTOR, { label: 'model' });
    solverStep(g, { planes, step, outputs: [output], guided: false, noise, label: 'solver' });
    const program = await compileProgram(g, device, {});
    programs.set(key, program);
    return program;
  }

  it.each(NAMES)('%s', async (scheduler) => {
    const plan = schedulerFromConfig(CONFIG, { scheduler }).plan(STEPS);
    const program = await programOf(plan);
    const source = createNoiseSource('torch', 5);
    const first = source.normal(COUNT);
    const state: StateArray[] = initialState(plan, Float64Array.from(first));
    program.write('planes', Float32Array.from(state.flatMap((plane) => Array.from(plane))));
    let largest = 1;
    for (const evaluation of plan.evaluations) {
      const noise = evaluation.drawsNoise ? source.normal(COUNT) : undefined;
      const { inputScale, coefficients } = evaluation;
      const numbers = new Float32Array(stepParameters(plan.slots));
      numbers.set([inputScale, 1, ...coefficients.flat()]);
      program.write('step', numbers);
      if (noise) program.write('noise', noise);
      await program.run('step');
      const output = Float64Array.from(state[0]!, (x) => x * inputScale * FACTOR);
      applyStep(evaluation, state, output, noise && Float64Array.from(noise));
      for (const plane of state) for (const value of plane) largest = Math.max(largest, Math.abs(value));
    }
    const expected = Float64Array.from(state.flatMap((plane) => Array.from(plane)));
    // Every update sums a multiple of each source, and what one rounds the next carries on.
    const terms = (plan.slots + 3) * plan.evaluations.length;
    const actual = (await program.read('planes')) as Float32Array;
    expectClose(actual, expected, { dtype: 'f32', reductionLength: terms, termScale: largest });
  });
});
