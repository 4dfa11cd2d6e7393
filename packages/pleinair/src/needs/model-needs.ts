import {
  chooseMemory,
  memoryBudget,
  memoryModes,
  memoryPolicy,
  PartPlans,
  peakBytes,
  planOrSayWhatFits,
  settleVae,
  solverShape,
  type MemoryMode,
  type PipelineShape,
} from '@pleinair/diffusion';
import type { LayerBits } from '@pleinair/palettize';
import { schedulerFromConfig } from '@pleinair/schedulers';
import { defaultProfile, isPleinairError, type DeviceProfile } from '@pleinair/tensor';
import { MissingPartError, type ModelSource, type ReadOptions } from '@pleinair/weights';
import { missingTensors, someOf } from '../convert/missing-tensors.js';
import { widthRules, type PaletteRules } from '../convert/palette-rules.js';
import type { ModelDescription } from '../models/architecture.js';
import { runnableArchitectureOf } from '../models/registry.js';
import { inBytes } from './in-bytes.js';
import { plannedPalettes, type PlannedPalettes } from './planned-palettes.js';

/** Options of {@link modelNeeds}. */
export interface ModelNeedsOptions extends ReadOptions {
  /** What the adapter can do; by default the one that `plan` takes. */
  readonly profile?: DeviceProfile;
  /** Picture size; by default the model's own. */
  readonly width?: number;
  readonly height?: number;
  /** What it would need were it palettized: by one width, or by rules for each folder. By default as it is. */
  readonly palettize?: LayerBits | PaletteRules;
  /** What it would need were it written with half floats, as `convertModel` does if asked to: of bytes in files. */
  readonly dtype?: 'f16';
}

/** What a model needs in one memory mode. */
export interface ModeNeeds {
  /** The most bytes that are held on the GPU. */
  readonly peakBytes: number;
  /** Whether that is within what the adapter allows, as far as that can be told. */
  readonly fits: boolean;
}

/** What a model needs, and whether an adapter can run it. */
export interface ModelNeeds {
  /** What kind of model it is, e.g. `Stable Diffusion XL`; absent where that could not be told. */
  readonly family?: string;
  /** What its makers call it, if they left word. */
  readonly name?: string;
  /**
   * `runs`; `may-run` where it needs more than the adapter lets be told, as browsers do not tell how much memory there is;
   * `cannot-run` where something forbids it.
   */
  readonly verdict: 'runs' | 'may-run' | 'cannot-run';
  /** Why, in a sentence or two. */
  readonly reason: string;
  /** The `code` of what forbids it. */
  readonly code?: string;
  /** Size of the pictures that were planned. */
  readonly width?: number;
  readonly height?: number;
  /** Bytes of the weights in files: as they are, or as they would be palettized. */
  readonly storedBytes?: number;
  /** Average bits of palettized parts. */
  readonly averageBits?: Readonly<Partial<Record<string, number>>>;
  /** By memory mode. */
  readonly modes?: Readonly<Record<MemoryMode, ModeNeeds>>;
  /** The mode that `auto` takes. */
  readonly mode?: MemoryMode;
}

/**
 * What a model needs for a picture, and whether an adapter can run it: said before gigabytes are downloaded, since
 * configurations and the headers of weights are all that is read (`openPlace(name, { hub: { download: 'none' } })`). Bytes are
 * exact: a run holds just these. No GPU is needed; the adapter's profile is plain data.
 *
 * @returns Also where the model cannot be run: with the reason.
 * @throws `WeightError` `weights/network`, `CancelledError`: where it could not be looked at.
 */
export async function modelNeeds(source: ModelSource, options: ModelNeedsOptions = {}): Promise<ModelNeeds> {
  let known: Pick<ModelNeeds, 'family' | 'name'> = {};
  try {
    const architecture = await runnableArchitectureOf(source, options);
    known = { family: architecture.title };
    const model = await architecture.describe(source, options.signal);
    known = { ...known, ...(model.name !== undefined && { name: model.name }) };
    const missing = await missingTensors(source, model, options);
    if (missing.length > 0) {
      const reason = `It lacks ${missing.length} tensors of such a model: ${someOf(missing)}.`;
      return { ...known, verdict: 'cannot-run', reason, code: 'weights/missing-tensor' };
    }
    return { ...known, ...(await planned(source, model, options)) };
  } catch (error) {
    if (!isPleinairError(error) || !tellsOfModel(error.code)) throw error;
    const reason = error instanceof MissingPartError ? `It is not whole. ${error.message}` : error.message;
    return { ...known, verdict: 'cannot-run', reason, code: error.code };
  }
}

/** Whether an error says something of the model or the adapter, and not of the way to it. */
function tellsOfModel(code: string): boolean {
  return code !== 'cancelled' && code !== 'weights/network' && code !== 'weights/changed' && code !== 'weights/read';
}

async function planned(
  source: ModelSource,
  model: ModelDescription,
  { profile = defaultProfile, palettize = 16, dtype, signal, width, height }: ModelNeedsOptions,
): Promise<Omit<ModelNeeds, 'family' | 'name'>> {
  const { defaults, scheduler, partFolders: folders } = model;
  const rules = typeof palettize === 'object' ? palettize : widthRules(palettize, Object.values(folders));
  const tensorsOf: ModelDescription['tensorsOf'] = (part) => model.tensorsOf(part);
  const palettes = await plannedPalettes({ source, folders, tensorsOf }, rules, {
    signal,
    ...(dtype === 'f16' && { halves: true }),
  });
  const shape: PipelineShape = {
    width: width ?? defaults.width,
    height: height ?? defaults.height,
    pictures: 1,
    guided: defaults.guidance > 1,
    halves: 'together',
    chunks: 1,
    precision: 'f16',
    solver: solverShape(schedulerFromConfig(scheduler).plan(defaults.steps)),
  };
  const peaks = peaksOf(model, palettes, shape, profile);
  const budget = memoryBudget(profile);
  const mode = chooseMemory(profile, (each) => peaks[each]);
  const fits = peaks[mode] <= budget;
  const modes = Object.fromEntries(
    memoryModes.map((each): [MemoryMode, ModeNeeds] => [each, { peakBytes: peaks[each], fits: peaks[each] <= budget }]),
  ) as Record<MemoryMode, ModeNeeds>;
  const { averageBits, storedBytes } = palettes;
  return {
    verdict: fits ? 'runs' : 'may-run',
    reason: inWords({
      mode,
      bytes: peaks[mode],
      budget,
      fits,
      shape,
      palettized: Object.keys(averageBits).length > 0,
    }),
    width: shape.width,
    height: shape.height,
    storedBytes,
    averageBits,
    modes,
    mode,
  };
}

/** Peaks in each memory mode, with pictures decoded as a run of that mode decodes them; each plan is made once. */
function peaksOf(
  model: ModelDescription,
  { palettesOf }: PlannedPalettes,
  shape: PipelineShape,
  profile: DeviceProfile,
): Readonly<Record<MemoryMode, number>> {
  const plans = new PartPlans(model.parts, (of, part) => model.record(of, part, palettesOf), profile);
  return planOrSayWhatFits(shape, (of) => {
    const peak = (mode: MemoryMode): number => {
      const policy = memoryPolicy(mode);
      const vae = settleVae(of, (each, part) => plans.plan(each, part), { vae: 'auto', memory: mode, profile });
      const { transformedWeights } = policy;
      const parts = model.parts.map(({ kind, name }) => ({
        kind,
        plan: plans.plan({ ...of, vae }, name, { transformedWeights }),
      }));
      return peakBytes(parts, policy);
    };
    return Object.fromEntries(memoryModes.map((mode) => [mode, peak(mode)])) as Record<MemoryMode, number>;
  });
}

/** What the verdict rests on. */
interface Grounds {
  readonly mode: MemoryMode;
  readonly bytes: number;
  readonly budget: number;
  readonly fits: boolean;
  readonly shape: PipelineShape;
  readonly palettized: boolean;
}

const how: Readonly<Record<MemoryMode, string>> = {
  low: 'with parts loaded in turn',
  balanced: 'with text encoders loaded in turn',
  resident: 'with everything kept loaded',
};

function inWords({ mode, bytes, budget, fits, shape: { width, height }, palettized }: Grounds): string {
  const needs = `Pictures of ${width}×${height} take ${inBytes(bytes)} of GPU memory at most, ${how[mode]}`;
  if (fits) return `${needs}; this adapter allows ${inBytes(budget)} in one piece, so it should do.`;
  return (
    `${needs}. This adapter allows ${inBytes(budget)} in one piece and does not tell how much there is in all: it may run ` +
    `out of memory. ${palettized ? 'Choose smaller pictures or fewer bits' : 'Palettize it, or choose a smaller model'}.`
  );
}
