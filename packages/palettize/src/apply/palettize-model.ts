import { throwIfCancelled } from '@pleinair/tensor';
import {
  encodeSafetensors,
  fillSink,
  modelFiles,
  openComponent,
  palettizedEntries,
  storedBits,
  weightsBaseName,
  writeFiles,
  type Component,
  type ModelSink,
  type ModelSource,
  type PartFormat,
} from '@pleinair/weights';
import { checkCalibration, type Calibration } from '../calibrate/calibration.js';
import { PalettizeError } from '../errors.js';
import { ProgressMeter, type Progress } from '../progress.js';
import { layerName } from '../recipe/candidates.js';
import { applyRule, type PartRule, type RuledPart } from '../recipe/part-rule.js';
import type { ClusterSolver } from '../workers/solver.js';
import { fitPalettes } from './fit-palettes.js';
import { palettizedPart } from './palettized-tensors.js';

/** Options of {@link palettizeModel}; `dtype` and `maxShardBytes` are of the parts that are not palettized. */
export interface PalettizeModelOptions extends PartFormat {
  /** The model, in diffusers layout or opened as if it were by `openModel`. */
  readonly source: ModelSource;
  readonly sink: ModelSink;
  /** By folder, e.g. `unet`; `''` where the model's folder holds the weights itself. All other parts are copied. */
  readonly parts: Readonly<Record<string, PartRule>>;
  /** Only weights of more elements than this are candidates. Default 1e5, as published. */
  readonly minWeights?: number;
  /** Does the clusterings: `nodeWorkerSolver()` or `webWorkerSolver()`. The caller closes it. */
  readonly solver: ClusterSolver;
  readonly signal?: AbortSignal;
  /** How far it is, in bytes read; what is palettized is read twice, to fit its palettes and to pack it. */
  readonly onProgress?: (progress: Progress) => void;
}

/** What became of a part. */
export interface AppliedPart {
  /** The file written, relative to the model. */
  readonly file: string;
  /** Tensors palettized. */
  readonly tensors: number;
  /** Bits of indices and palettes, and 16 for each weight left alone, over the candidates' weights. */
  readonly averageBits: number;
  /** Of each palettized layer Σ (weight − entry)², or `Σ δᵀ E[x xᵀ] δ` where it has a calibration. */
  readonly errors: Readonly<Record<string, number>>;
}

/** A part to be palettized. */
interface PlannedPart extends RuledPart {
  readonly folder: string;
  readonly component: Component;
  readonly calibration?: Calibration;
}

/**
 * Writes a model anew with some parts palettized: in diffusers layout, the other parts, configurations and tokenizers as
 * they are or in another type. It appears when it is complete; when anything fails, nothing is left behind. Weights are read
 * twice, a few megabytes at a time.
 *
 * @returns By part.
 * @throws `RecipeError` `recipe/unknown-layer`, `recipe/missing-calibration`, `recipe/other-calibration` and others of its
 * table, `PalettizeError`, `WeightError`, `MissingPartError`, `CancelledError`.
 */
export async function palettizeModel(options: PalettizeModelOptions): Promise<Readonly<Record<string, AppliedPart>>> {
  const { source, sink, solver, signal, onProgress, parts } = options;
  const plan = async () => {
    throwIfCancelled(signal, 'palettizing');
    const planned: PlannedPart[] = [];
    for (const [folder, rule] of Object.entries(parts)) planned.push(await planPart(folder, rule, options));
    const { dtype, maxShardBytes } = options;
    const without = new Set(Object.keys(parts));
    return { planned, others: await modelFiles(source, { dtype, maxShardBytes, without, signal }) };
  };
  const { planned, others } = await plan().catch(async (error: unknown) => {
    await sink.discard();
    throw error;
  });
  const sum = (sizes: readonly number[]): number => sizes.reduce((total, size) => total + size, 0);
  const bytes = sum([...planned.map(partBytes), ...others.map((file) => file.bytes)]);
  const meter = new ProgressMeter(
    sum([...planned.map(readBytes), ...others.map((file) => file.readBytes)]),
    onProgress,
  );
  return fillSink(sink, bytes, async () => {
    const applied: Record<string, AppliedPart> = {};
    for (const part of planned) applied[part.folder] = await writePart(part, sink, { solver, signal, meter });
    await writeFiles(sink, others, { onRead: (read) => meter.add(read), signal });
    throwIfCancelled(signal, 'palettizing');
    return applied;
  });
}

async function planPart(
  folder: string,
  rule: PartRule,
  { source, minWeights, signal }: PalettizeModelOptions,
): Promise<PlannedPart> {
  const component = await openComponent(source, folder, { signal });
  assertPlain(component);
  const ruled = applyRule(component.name, rule, component.entries.values(), { minWeights });
  const calibration = 'recipe' in rule ? await rule.calibration?.() : undefined;
  if (calibration && 'recipe' in rule) {
    checkCalibration(rule.name ?? folder, calibration, component.entries, ruled.forms);
  }
  return { folder, component, calibration, ...ruled };
}

function assertPlain(component: Component): void {
  if (palettizedEntries(component).size === 0) return;
  throw new PalettizeError(
    'palettize/already-palettized',
    `${component.name}: expected weights as they were trained, got a palettized part. Start from the original model.`,
  );
}

async function writePart(
  { folder, component, forms, averageBits: average, calibration }: PlannedPart,
  sink: ModelSink,
  run: { solver: ClusterSolver; signal?: AbortSignal; meter: ProgressMeter },
): Promise<AppliedPart> {
  const fitted = await fitPalettes(component, forms, { ...run, inputsOf: (tensor) => calibration?.get(tensor) });
  const errors: Record<string, number> = {};
  const onPacked = (tensor: string, error: number): void => {
    errors[layerName(tensor)] = error;
  };
  const { tensors, metadata } = palettizedPart(component, fitted, { ...run, onPacked });
  const file = folder ? `${folder}/${outputName(folder, component)}` : outputName(folder, component);
  await sink.write(file, encodeSafetensors(tensors, { metadata }), { signal: run.signal });
  return { file, tensors: fitted.size, averageBits: average, errors };
}

/** `diffusion_pytorch_model.safetensors` or `model.safetensors`, whatever variant, shards or single file the source has. */
function outputName(folder: string, { files }: Component): string {
  const path = files[0]?.path ?? '';
  const inFolder = folder === '' ? path : path.startsWith(`${folder}/`) ? path.slice(folder.length + 1) : '';
  const [own] = /^(diffusion_pytorch_model|model)(?=[.-])/.exec(inFolder) ?? [];
  return `${own ?? weightsBaseName(folder)}.safetensors`;
}

/** Bytes that are read to write the part: once for all of it, once more for what is palettized. */
function readBytes({ component, forms }: PlannedPart): number {
  let bytes = 0;
  for (const { name, begin, end } of component.entries.values()) bytes += (forms.has(name) ? 2 : 1) * (end - begin);
  return bytes;
}

/** About what the part's file will take: its tensors, and a kilobyte of header for each palettized one. */
function partBytes({ component, forms }: PlannedPart): number {
  let bytes = 0;
  for (const { name, begin, end } of component.entries.values()) {
    const form = forms.get(name);
    bytes += form ? storedBits(form) / 8 + 1024 : end - begin;
  }
  return bytes;
}
