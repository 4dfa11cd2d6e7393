import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { throwIfCancelled } from '@pleinair/tensor';
import { openComponent, storedBits, palettizedEntries, type Component } from '@pleinair/weights';
import { folderSource, writeSafetensors } from '@pleinair/weights/node';
import { fitPalettes } from '../apply/fit-palettes.js';
import { checkCalibration, type Calibration } from '../calibrate/calibration.js';
import { palettizedPart } from '../apply/palettized-tensors.js';
import { PalettizeError } from '../errors.js';
import { ProgressMeter, type Progress } from '../progress.js';
import { layerName } from '../recipe/candidates.js';
import { applyRule, type PartRule, type RuledPart } from '../recipe/part-rule.js';
import type { ClusterSolver } from '../workers/solver.js';
import { copyFiles, filesToCopy } from './model-files.js';
import { assertApart, fillFolder, type FolderSystem } from './output-folder.js';

/** Options of {@link applyRecipe}. */
export interface ApplyOptions {
  /** The model's folder, in diffusers layout. */
  readonly model: string;
  /** The folder to make; its parent is there, it is not, or is empty. */
  readonly out: string;
  /** Takes the place of a model folder that is there, when all is written. @defaultValue false */
  readonly replace?: boolean;
  /** By folder, e.g. `unet`; `''` where the model's folder holds the weights itself. All other parts are copied. */
  readonly parts: Readonly<Record<string, PartRule>>;
  /** Only weights of more elements than this are candidates. Default 1e5, as published. */
  readonly minWeights?: number;
  /** Does the clusterings: `nodeWorkerSolver()`. The caller closes it. */
  readonly solver: ClusterSolver;
  readonly signal?: AbortSignal;
  /** How far it is, in bytes read; what is palettized is read twice, to fit its palettes and to pack it. */
  readonly onProgress?: (progress: Progress) => void;
  /** Disk operations; tests put in their own. */
  readonly system?: FolderSystem;
}

/** What became of a part. */
export interface AppliedPart {
  /** The file written, from the output folder. */
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
 * Writes a model folder anew with some parts palettized: the same layout, the other parts, configurations and tokenizers
 * as they are. The output folder appears when it is complete; when anything fails, nothing is left behind. Weights are
 * read twice, a few megabytes at a time.
 *
 * @returns By part.
 * @throws `RecipeError` `recipe/unknown-layer`, `recipe/missing-calibration`, `recipe/other-calibration` and others of its
 * table, `PalettizeError`, `WeightError`, `MissingPartError`, `CancelledError`.
 */
export async function applyRecipe(options: ApplyOptions): Promise<Readonly<Record<string, AppliedPart>>> {
  const { model, out, parts, replace, solver, signal, onProgress, system } = options;
  throwIfCancelled(signal, `palettizing ${model}`);
  await assertApart(model, out);
  const source = folderSource(model);
  const planned: PlannedPart[] = [];
  for (const [folder, rule] of Object.entries(parts)) {
    const component = await openComponent(source, folder, { signal });
    assertPlain(component);
    const { minWeights } = options;
    const ruled = applyRule(component.name, rule, component.entries.values(), { minWeights });
    const calibration = 'recipe' in rule ? await rule.calibration?.() : undefined;
    if (calibration && 'recipe' in rule) {
      checkCalibration(rule.name ?? folder, calibration, component.entries, ruled.forms);
    }
    planned.push({ folder, component, calibration, ...ruled });
  }
  const copied = await filesToCopy(model, source, new Set(Object.keys(parts)), signal);
  const bytes =
    planned.reduce((sum, part) => sum + partBytes(part), 0) + copied.reduce((sum, file) => sum + file.bytes, 0);
  const reads =
    planned.reduce((sum, part) => sum + readBytes(part), 0) + copied.reduce((sum, file) => sum + file.bytes, 0);
  const meter = new ProgressMeter(reads, onProgress);

  const fill = async (folder: string) => {
    const applied: Record<string, AppliedPart> = {};
    for (const part of planned) applied[part.folder] = await writePart(part, folder, { solver, signal, meter });
    await copyFiles(model, folder, copied, { signal, meter });
    throwIfCancelled(signal, `palettizing ${model}`);
    return applied;
  };
  return fillFolder(out, bytes, fill, { replace, system });
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
  out: string,
  run: { solver: ClusterSolver; signal?: AbortSignal; meter: ProgressMeter },
): Promise<AppliedPart> {
  const fitted = await fitPalettes(component, forms, { ...run, inputsOf: (tensor) => calibration?.get(tensor) });
  const errors: Record<string, number> = {};
  const onPacked = (tensor: string, error: number): void => {
    errors[layerName(tensor)] = error;
  };
  const { tensors, metadata } = palettizedPart(component, fitted, { ...run, onPacked });
  const file = folder ? `${folder}/${outputName(component)}` : outputName(component);
  await mkdir(join(out, dirname(file)), { recursive: true });
  await writeSafetensors(join(out, file), tensors, { metadata, signal: run.signal });
  return { file, tensors: fitted.size, averageBits: average, errors };
}

/** `diffusion_pytorch_model.safetensors` or `model.safetensors`, whatever variant or shards the source has. */
function outputName({ files }: Component): string {
  const name = files[0]!.path.split('/').at(-1)!;
  return `${name.slice(0, name.search(/[.-]/))}.safetensors`;
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
