import { modelUrl } from '@pleinair/demo-model';
import {
  ConfigError,
  readJsonObject,
  settleVae,
  tuningWorks,
  type CheckpointTensor,
  type PartPalettes,
  type PipelineShape,
} from '@pleinair/diffusion';
import type { SchedulerConfig } from '@pleinair/schedulers';
import {
  checkpointTensors as sdTensors,
  partFolders as sdFolders,
  partGraph as sdGraph,
  partNames as sdParts,
  planSd,
  readSdConfig,
  readSdFiles,
  sd15Files,
  type PartName as SdPart,
  type SdFiles,
  type SdPlan,
} from '@pleinair/sd';
import {
  checkpointTensors as sdxlTensors,
  partFolders as sdxlFolders,
  partGraph as sdxlGraph,
  partNames as sdxlParts,
  planSdxl,
  readSdxlConfig,
  readSdxlFiles,
  sdxlBaseFiles,
  type PartName as SdxlPart,
  type SdxlFiles,
  type SdxlPlan,
} from '@pleinair/sdxl';
import { isPleinairError, PleinairError, type DeviceProfile, type Graph, type PlanOptions } from '@pleinair/tensor';
import type { ModelSource } from '@pleinair/weights';
import { openPlace, type TuningWork } from 'pleinair';
import type { PaletteFlags } from './palette-options.js';
import { plannedPalettes } from './planned-palettes.js';

/** Models known by name: their sizes are enough to plan and tune them, without any weights. */
export const presets = ['demo', 'sdxl-base', 'sd15'] as const;

/** What a picture is made with when nobody says. */
interface ModelDefaults {
  readonly width: number;
  readonly height: number;
  readonly steps: number;
  readonly guidance: number;
}

/** A model as far as planning and tuning it go: its graphs, no weights. */
export interface PlannedModel {
  readonly defaults: ModelDefaults;
  readonly scheduler: SchedulerConfig;
  /** Average bits of the parts that are palettized, or would be, by part. */
  readonly averageBits: Readonly<Partial<Record<string, number>>>;
  plan(shape: PipelineShape, profile: DeviceProfile, options?: PlanOptions): ModelPlan;
  /** How `auto` decodes a shape. */
  vae(shape: PipelineShape, memory: 'low' | 'resident', profile: DeviceProfile): 'exact' | 'tiled';
  /** All parts' graphs for a shape. */
  works(shape: PipelineShape): TuningWork[];
}

export type ModelPlan = SdxlPlan | SdPlan;

/** The parts that every architecture has, and that decide how pictures are decoded. */
type LargePart = 'unet' | 'vae_decoder';

/** What models of one architecture have in common for planning them. */
interface Architecture<Name extends string> {
  readonly defaults: ModelDefaults;
  readonly scheduler: SchedulerConfig;
  readonly partNames: readonly Name[];
  readonly partFolders: Readonly<Record<Name, string>>;
  tensorsOf(part: Name): readonly CheckpointTensor[];
  record(shape: PipelineShape, part: Name, palettesOf: PartPalettes<Name>): Graph;
  plan(
    shape: PipelineShape,
    profile: DeviceProfile,
    options: PlanOptions | undefined,
    palettesOf: PartPalettes<Name>,
  ): ModelPlan;
}

function sdxlModel(files: SdxlFiles): Architecture<SdxlPart> {
  const config = readSdxlConfig(files);
  return {
    ...config,
    partNames: sdxlParts,
    partFolders: sdxlFolders,
    tensorsOf: (part) => sdxlTensors(config, part),
    record: (shape, part, palettesOf) => sdxlGraph(config, shape, part, palettesOf),
    plan: (...how) => planSdxl(config, ...how),
  };
}

function sdModel(files: SdFiles): Architecture<SdPart> {
  const config = readSdConfig(files);
  return {
    ...config,
    partNames: sdParts,
    partFolders: sdFolders,
    tensorsOf: (part) => sdTensors(config, part),
    record: (shape, part, palettesOf) => sdGraph(config, shape, part, palettesOf),
    plan: (...how) => planSd(config, ...how),
  };
}

/**
 * Opens a model by its folder or a preset's name. A folder that is palettized is planned as it is.
 *
 * @param command - The command's name, for errors.
 * @param palettes - What would be palettized.
 * @throws `ConfigError` `config/unknown-architecture` for a model that is neither SDXL nor Stable Diffusion 1.x; `usage/model`
 *   for a name that is neither a preset's nor a folder's; what `plannedPalettes` throws, beside errors of the model.
 */
export async function openPlannedModel(
  command: string,
  model: string,
  palettes: PaletteFlags = {},
): Promise<PlannedModel> {
  if (model === 'sdxl-base') return planned(command, sdxlModel(sdxlBaseFiles), undefined, palettes);
  if (model === 'sd15') return planned(command, sdModel(sd15Files), undefined, palettes);
  const source = await openPlace(model === 'demo' ? modelUrl : model);
  const className = await classOf(command, model, source);
  switch (className) {
    case 'StableDiffusionXLPipeline':
      return planned(command, sdxlModel(await readSdxlFiles(source)), source, palettes);
    case 'StableDiffusionPipeline':
      return planned(command, sdModel(await readSdFiles(source)), source, palettes);
    default:
      throw new ConfigError(
        'config/unknown-architecture',
        'model_index.json: expected "_class_name" to be one of StableDiffusionXLPipeline, StableDiffusionPipeline, ' +
          `got ${JSON.stringify(className)}. Name a model of Stable Diffusion XL or 1.x.`,
      );
  }
}

async function planned<Name extends string>(
  command: string,
  model: Architecture<Name | LargePart>,
  source: ModelSource | undefined,
  palettes: PaletteFlags,
): Promise<PlannedModel> {
  const { defaults, scheduler, partNames, partFolders: folders } = model;
  const tensorsOf = (part: Name | LargePart) => model.tensorsOf(part);
  const { palettesOf, averageBits } = await plannedPalettes(command, { source, folders, tensorsOf }, palettes);
  const record = (shape: PipelineShape, part: Name | LargePart): Graph => model.record(shape, part, palettesOf);
  return {
    defaults,
    scheduler,
    averageBits,
    plan: (shape, profile, options) => model.plan(shape, profile, options, palettesOf),
    vae: (shape, memory, profile) => settleVae(shape, record, { vae: 'auto', memory, profile }),
    works: (shape) => tuningWorks(partNames, (part) => record(shape, part), shape),
  };
}

/** What a model folder says it is. */
async function classOf(command: string, model: string, source: ModelSource): Promise<unknown> {
  try {
    return (await readJsonObject(source, 'model_index.json'))['_class_name'];
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
