import {
  denoise,
  denoiserGraph,
  preparePrompt,
  prepareSchedule,
  readUNetConfig,
  solverShape,
  writeConditioning,
} from '@pleinair/diffusion';
import { createNoiseSource, schedulerFromConfig } from '@pleinair/schedulers';
import { compileProgram, type Program } from '@pleinair/tensor';
import { relativeRms, testDevice } from '@pleinair/testing';
import { loadWeights, openComponent } from '@pleinair/weights';
import { afterAll, describe, expect, it } from 'vitest';
import type { PipelineShape } from '../src/graphs.js';
import { timeIds } from '../src/time-ids.js';
import { limits, tinyGoldens, tinySource } from './tiny-model.js';

const goldens = await tinyGoldens();
const schedulers = ['ddim', 'euler', 'euler-ancestral', 'dpmpp-2m', 'dpmpp-2m-karras'] as const;
const noise = goldens.floats('whole.noise');
const latent = { width: 8, height: 12, channels: 4 };
const guidance = 5;

// SwiftShader takes half a minute for each long schedule of each precision: there short ones in f32 speak for all.
const isSwiftShader = process.env['PLEINAIR_TEST_ADAPTER'] === 'swiftshader';

/** The golden's start, then draws of its own as torch's generator with seed 11 gives them. */
function recordedNoise(): { kind: 'torch'; normal(count: number): Float32Array } {
  const later = createNoiseSource('torch', 11);
  let first = true;
  return {
    kind: 'torch',
    normal(count) {
      if (!first) return later.normal(count);
      first = false;
      return noise;
    },
  };
}

const runs = [
  ['f32', 'together'],
  ['f32', 'in-turn'],
  ['f16', 'together'],
] as const;
describe.each(runs.filter(([precision]) => precision === 'f32' || !isSwiftShader))(
  'guided latents of a tiny SDXL against diffusers, %s, halves %s',
  (precision, halves) => {
    const programs = new Map<string, { program: Program; shape: PipelineShape }>();

    /** One for all plans of a solver: it may have more room than a plan needs. */
    async function programFor(solver: PipelineShape['solver']): Promise<{ program: Program; shape: PipelineShape }> {
      const key = JSON.stringify(solver);
      const known = programs.get(key);
      if (known) return known;
      const config = readUNetConfig((await tinySource().readJson('unet/config.json')) as Record<string, unknown>);
      const shape: PipelineShape = {
        width: 64,
        height: 96,
        pictures: 1,
        guided: true,
        halves,
        chunks: 1,
        precision,
        solver,
      };
      const graph = denoiserGraph(config, {
        ...latent,
        ...solver,
        pictures: 1,
        tokens: 77,
        guided: true,
        halves,
        dtype: precision,
      });
      const program = await compileProgram(graph, await testDevice());
      const component = await openComponent(tinySource(), 'unet', { prefer: 'full' });
      await loadWeights(program.weights, component, {
        upload: (weight, piece) => program.uploadWeight(weight, [piece]),
      });
      const embeds = goldens.floats('unet.embeds');
      const pooled = goldens.floats('unet.pooled');
      const text = (row: number) => ({
        states: embeds.slice(row * 77 * 32, (row + 1) * 77 * 32),
        pooled: pooled.slice(row * 14, (row + 1) * 14),
      });
      writeConditioning(program, shape, { conditional: text(0), unconditional: text(1) }, timeIds(96, 64));
      await preparePrompt(program, undefined);
      programs.set(key, { program, shape });
      return { program, shape };
    }

    afterAll(() => {
      for (const { program } of programs.values()) program.dispose();
    });

    const cases = precision === 'f32' && halves === 'together' ? schedulers : (['euler', 'dpmpp-2m'] as const);
    for (const name of cases) {
      it.each(isSwiftShader ? [3] : [3, 20])(`${name}, %i steps`, async (steps) => {
        const config = (await tinySource().readJson('scheduler/scheduler_config.json')) as Record<string, unknown>;
        const overrides = name === 'ddim' ? { clip_sample: false, set_alpha_to_one: false } : {};
        const plan = schedulerFromConfig({ ...config, ...overrides }, { scheduler: name }).plan(steps);
        const { program, shape } = await programFor({ ...solverShape(plan), evaluations: 20 });
        await prepareSchedule(program, { ...shape, ...shape.solver }, plan);
        const seen: number[] = [];
        const [result] = await denoise(program, shape, {
          plan,
          noise: [recordedNoise()],
          guidance,
          latent,
          onStep: (step) => seen.push(step),
        });
        expect(seen).toEqual(plan.evaluations.map((_, i) => i + 1));
        expect(relativeRms(result!, goldens.floats(`whole.${name}.${steps}`))).toBeLessThan(limits[precision].whole);
      });
    }
  },
);
