import { modelUrl } from '@pleinair/demo-model';
import { settleVae, tuningWorks, type MemoryMode, type PipelineShape } from '@pleinair/diffusion';
import { isPleinairError, PleinairError, type DeviceProfile, type Graph, type PlanOptions } from '@pleinair/tensor';
import type { ModelSource } from '@pleinair/weights';
import {
  describeModel,
  describePreset,
  modelPresets,
  openPlace,
  type ModelDescription,
  type ModelPlan,
  type TuningWork,
} from 'pleinair';
import { palettizableParts, plannedPalettes } from 'pleinair/models';
import { checkpointChoices, type CheckpointFlags } from './checkpoint-options.js';
import { paletteRules, type PaletteFlags } from './palette-options.js';

/** Models known by name: their sizes are enough to plan and tune them, without any weights. */
export const presets: readonly string[] = ['demo', ...modelPresets];

/** A model as far as planning and tuning it go: its graphs, no weights. */
export interface PlannedModel extends Pick<ModelDescription, 'defaults' | 'scheduler'> {
  /** Average bits of the parts that are palettized, or would be, by part. */
  readonly averageBits: Readonly<Partial<Record<string, number>>>;
  plan(shape: PipelineShape, profile: DeviceProfile, options?: PlanOptions): ModelPlan;
  /** How `auto` decodes a shape. */
  vae(shape: PipelineShape, memory: MemoryMode, profile: DeviceProfile): 'exact' | 'tiled';
  /** All parts' graphs for a shape. */
  works(shape: PipelineShape): TuningWork[];
}

/**
 * Opens a model by its folder or a preset's name. A folder that is palettized is planned as it is.
 *
 * @param command - The command's name, for errors.
 * @param palettes - What would be palettized.
 * @param checkpoint - What is known better than a single file tells.
 * @throws `ConfigError` `config/unknown-architecture` for a model of a kind this version does not know; `usage/model`
 *   for a name that is neither a preset's nor a folder's; what `paletteRules` and `plannedPalettes` throw, beside errors of the model.
 */
export async function openPlannedModel(
  command: string,
  model: string,
  palettes: PaletteFlags = {},
  checkpoint: CheckpointFlags = {},
): Promise<PlannedModel> {
  const preset = describePreset(model);
  if (preset) return planned(command, preset, undefined, palettes);
  // Of a model on the Hub, its configurations and headers are enough.
  const source = await openPlace(model === 'demo' ? modelUrl : model, {
    hub: { download: 'none' },
    checkpoint: checkpointChoices(checkpoint),
  });
  return planned(command, await described(command, model, source), source, palettes);
}

async function planned(
  command: string,
  model: ModelDescription,
  source: ModelSource | undefined,
  palettes: PaletteFlags,
): Promise<PlannedModel> {
  const { defaults, scheduler, parts, partFolders: folders } = model;
  const tensorsOf = (part: string) => model.tensorsOf(part);
  const { minWeights } = palettes;
  const known = palettizableParts.filter((part) => Object.values(folders).includes(part));
  const rules = await paletteRules(command, palettes, known);
  const { palettesOf, averageBits } = await plannedPalettes({ source, folders, tensorsOf }, rules, {
    command,
    minWeights,
  });
  const record = (shape: PipelineShape, part: string): Graph => model.record(shape, part, palettesOf);
  return {
    defaults,
    scheduler,
    averageBits,
    plan: (shape, profile, options) => model.plan(shape, profile, options, palettesOf),
    vae: (shape, memory, profile) => settleVae(shape, record, { vae: 'auto', memory, profile }),
    works: (shape) => tuningWorks(parts, (part) => record(shape, part), shape),
  };
}

/** What a model folder says it is. */
async function described(command: string, model: string, source: ModelSource): Promise<ModelDescription> {
  try {
    return await describeModel(source);
  } catch (error) {
    // A bare word that is no folder was meant as a preset.
    const noModel = isPleinairError(error) && error.code === 'weights/missing-file' && /^[\w.-]+$/.test(model);
    if (!noModel || (await source.exists('model_index.json'))) throw error;
    throw new PleinairError(
      'usage/model',
      `${command}: expected a folder with a model_index.json, or one of ${presets.join(', ')}, got "${model}". Check the name.`,
      { cause: error },
    );
  }
}
