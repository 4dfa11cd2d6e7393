import {
  checkpointTensors as sdCheckpointTensors,
  planSd,
  partFolders as sdPartFolders,
  partGraph as sdPartGraph,
  partNames as sdPartNames,
  readSdConfig,
  sd15Files,
  type PartName as SdPartName,
  type SdPlan,
} from '@pleinair/sd';
import {
  checkpointTensors,
  partFolders,
  partGraph,
  partNames,
  planSdxl,
  readSdxlConfig,
  readSdxlFiles,
  settleVae,
  sdxlBaseFiles,
  tuningWorks,
  type PartName,
  type PartRecorder,
  type PipelineShape,
  type SdxlFiles,
  type SdxlPlan,
} from '@pleinair/sdxl';
import type { SchedulerConfig } from '@pleinair/schedulers';
import { isPleinairError, PleinairError, type DeviceProfile, type PlanOptions } from '@pleinair/tensor';
import { modelUrl } from '@pleinair/demo-model';
import type { ModelSource } from '@pleinair/weights';
import { openPlace, type TuningWork } from 'pleinair';
import type { PaletteFlags } from './palette-options.js';
import { plannedPalettes } from './planned-palettes.js';

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
  /** Average bits of the parts that are palettized, or would be, by part. */
  readonly averageBits: Readonly<Record<string, number>>;
  plan(shape: PipelineShape, profile: DeviceProfile, options?: PlanOptions): ModelPlan;
  /** How `auto` decodes a shape. */
  vae(shape: PipelineShape, memory: 'low' | 'resident', profile: DeviceProfile): 'exact' | 'tiled';
  /** All parts' graphs for a shape. */
  works(shape: PipelineShape): TuningWork[];
}

export type ModelPlan = SdxlPlan | SdPlan;

/**
 * Opens a model by its folder or a preset's name. A folder that is palettized is planned as it is.
 *
 * @param command - The command's name, for errors.
 * @param palettes - What would be palettized.
 * @throws What `plannedPalettes` throws, beside errors of the model.
 */
export async function openPlannedModel(
  command: string,
  model: string,
  palettes: PaletteFlags = {},
): Promise<PlannedModel> {
  if (model === 'sd15') {
    const config = readSdConfig(sd15Files);
    const tensorsOf = (part: SdPartName) => sdCheckpointTensors(config, part);
    const parts = { source: undefined, folders: sdPartFolders, tensorsOf };
    const { palettesOf, averageBits } = await plannedPalettes(command, parts, palettes);
    const record: PartRecorder<SdPartName> = (shape, part) => sdPartGraph(config, shape, part, palettesOf);
    return {
      ...config,
      averageBits,
      plan: (shape, profile, options) => planSd(config, shape, profile, options, palettesOf),
      vae: (shape, memory, profile) => settleVae(shape, record, { vae: 'auto', memory, profile }),
      works: (shape) => tuningWorks(sdPartNames, (part) => record(shape, part), shape),
    };
  }
  const source = model === 'sdxl-base' ? undefined : await openPlace(model === 'demo' ? modelUrl : model);
  const config = readSdxlConfig(source ? await sdxlFiles(command, model, source) : sdxlBaseFiles);
  const tensorsOf = (part: PartName) => checkpointTensors(config, part);
  const { palettesOf, averageBits } = await plannedPalettes(
    command,
    { source, folders: partFolders, tensorsOf },
    palettes,
  );
  const record: PartRecorder<PartName> = (shape, part) => partGraph(config, shape, part, palettesOf);
  return {
    ...config,
    averageBits,
    plan: (shape, profile, options) => planSdxl(config, shape, profile, options, palettesOf),
    vae: (shape, memory, profile) => settleVae(shape, record, { vae: 'auto', memory, profile }),
    works: (shape) => tuningWorks(partNames, (part) => record(shape, part), shape),
  };
}

async function sdxlFiles(command: string, model: string, source: ModelSource): Promise<SdxlFiles> {
  try {
    return await readSdxlFiles(source);
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
