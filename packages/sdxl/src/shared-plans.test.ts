import { fileURLToPath } from 'node:url';
import { PartPlans } from '@pleinair/diffusion';
import { defaultProfile, planProgram, type Graph, type ProgramPlan } from '@pleinair/tensor';
import { folderSource } from '@pleinair/weights/node';
import { expect, it } from 'vitest';
import { readSdxlFiles } from './files.js';
import { partGraph, parts, type PartName, type PipelineShape } from './graphs.js';
import { readSdxlConfig } from './model-config.js';

const folder = fileURLToPath(new URL('../../testing/goldens/tiny-sdxl', import.meta.url));
const base: PipelineShape = {
  width: 64,
  height: 96,
  pictures: 1,
  guided: true,
  halves: 'together',
  chunks: 1,
  precision: 'f32',
  solver: { slots: 1, drawsNoise: false, evaluations: 2 },
};

/** Every property of a shape, changed. */
const changes: Readonly<Required<{ [Key in keyof PipelineShape]: PipelineShape[Key] }>> = {
  width: 72,
  height: 64,
  pictures: 2,
  guided: false,
  halves: 'in-turn',
  chunks: 2,
  precision: 'f16',
  vae: 'tiled',
  solver: { slots: 2, drawsNoise: true, evaluations: 3 },
  preview: true,
  encoder: 'tiled',
  rescale: true,
  blend: true,
  clipSkip: 1,
};

/** All that a run would do, as text. */
function whole({ graph, segments, persistent, ...rest }: ProgramPlan): string {
  const work = segments.map(({ nodes, offsets }) => [
    nodes.map(({ dispatches }) => dispatches.map(({ kernel, workgroups }) => [kernel.key, workgroups])),
    [...offsets.values()],
  ]);
  const { kernelKeys, weightsBytes, intermediatesBytes, persistentBytes } = rest;
  const shapes = persistent.map(({ name, shape, dtype }) => [name, shape, dtype]);
  return JSON.stringify([graph.name, work, shapes, kernelKeys, weightsBytes, intermediatesBytes, persistentBytes]);
}

it(
  'shares the plan of a part only between shapes of which the part’s graphs are the same',
  { timeout: 120_000 },
  async () => {
    const config = readSdxlConfig(await readSdxlFiles(folderSource(folder)));
    const record = (shape: PipelineShape, part: PartName): Graph => partGraph(config, shape, part);
    const plans = new PartPlans(parts, record, defaultProfile);
    const shared: string[] = [];
    for (const { name: part } of parts) {
      const plan = plans.plan(base, part);
      for (const [key, value] of Object.entries(changes)) {
        const shape = { ...base, [key]: value };
        if (plans.plan(shape, part) !== plan) continue;
        shared.push(`${part} ${key}`);
        expect(whole(plan), `${part}, another ${key}`).toBe(whole(planProgram(record(shape, part), defaultProfile)));
      }
    }
    expect(shared).toContain('text_encoder width');
    expect(shared).toContain('vae_decoder chunks');
    expect(shared).toContain('unet vae');
    expect(shared).not.toContain('unet halves');
  },
);
