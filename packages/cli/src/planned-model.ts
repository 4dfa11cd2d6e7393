import {
  planSd,
  partGraph as sdPartGraph,
  partNames as sdPartNames,
  readSdConfig,
  sd15Files,
  type SdPlan,
} from '@pleinair/sd';
import {
  partGraph,
  partNames,
  planSdxl,
  readSdxlConfig,
  readSdxlFiles,
  settleVae,
  sdxlBaseFiles,
  tuningWorks,
  type PipelineShape,
  type SdxlFiles,
  type SdxlPlan,
} from '@pleinair/sdxl';
import type { SchedulerConfig } from '@pleinair/schedulers';
import { isPleinairError, PleinairError, type DeviceProfile, type PlanOptions } from '@pleinair/tensor';
import { modelUrl } from '@pleinair/demo-model';
import { openPlace, type TuningWork } from 'pleinair';

/** Models known by name: their sizes are enough to plan and tune them, without any weights. */
export const presets = ['demo', 'sdxl-base', 'sd15'] as const;

/** A model as far as planning and tuning it go: its graphs, no weights. */
export interface PlannedModel {
  readonly defaults: {
    readonly width: number;
    readonly height: number;
    readonly steps: number;
    readonly guidance: number;
  };
  readonly scheduler: SchedulerConfig;
  plan(shape: PipelineShape, profile: DeviceProfile, options?: PlanOptions): ModelPlan;
  /** How `auto` decodes a shape. */
  vae(shape: PipelineShape, memory: 'low' | 'resident', profile: DeviceProfile): 'exact' | 'tiled';
  /** All parts' graphs for a shape. */
  works(shape: PipelineShape): TuningWork[];
}

export type ModelPlan = SdxlPlan | SdPlan;

/**
 * Opens a model by its folder or a preset's name.
 *
 * @param command - The command's name, for errors.
 */
export async function openPlannedModel(command: string, model: string): Promise<PlannedModel> {
  if (model === 'sd15') {
    const config = readSdConfig(sd15Files);
    return {
      ...config,
      plan: (shape, profile, options) => planSd(config, shape, profile, options),
      vae: (shape, memory, profile) =>
        settleVae(shape, (each, part) => sdPartGraph(config, each, part), { vae: 'auto', memory, profile }),
      works: (shape) => tuningWorks(sdPartNames, (part) => sdPartGraph(config, shape, part), shape),
    };
  }
  const config = readSdxlConfig(model === 'sdxl-base' ? sdxlBaseFiles : await sdxlFiles(command, model));
  return {
    ...config,
    plan: (shape, profile, options) => planSdxl(config, shape, profile, options),
    vae: (shape, memory, profile) =>
      settleVae(shape, (each, part) => partGraph(config, each, part), { vae: 'auto', memory, profile }),
    works: (shape) => tuningWorks(partNames, (part) => partGraph(config, shape, part), shape),
  };
}

async function sdxlFiles(command: string, model: string): Promise<SdxlFiles> {
  try {
    return await readSdxlFiles(await openPlace(model === 'demo' ? modelUrl : model));
  } catch (error) {
    // A bare word that is no folder was meant as a preset.
    if (!isPleinairError(error) || error.code !== 'weights/missing-file' || !/^[\w.-]+$/.test(model)) throw error;
    throw new PleinairError(
      'usage/model',
      `${command}: expected a folder with a model_index.json, or one of ${presets.join(', ')}, got "${model}". Check the name.`,
      { cause: error },
    );
  }
}
