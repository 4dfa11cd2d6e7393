import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { throwIfCancelled, type PaletteBits } from '@pleinair/tensor';
import {
  openComponent,
  type Component,
  isPaletteBits,
  storedBits,
  type StoredPaletteForm,
  palettizedEntries,
} from '@pleinair/weights';
import { folderSource, writeSafetensors } from '@pleinair/weights/node';
import { fitPalettes, weightsOf } from '../apply/fit-palettes.js';
import { palettizedPart } from '../apply/palettized-tensors.js';
import { type LayerBits } from '../bits.js';
import { PalettizeError } from '../errors.js';

import { ProgressMeter, type Progress } from '../progress.js';
import { averageBits } from '../recipe/average-bits.js';
import { candidatesOf } from '../recipe/candidates.js';
import type { Recipe } from '../recipe/recipe-file.js';
import { resolveRecipe } from '../recipe/resolve.js';
import type { ClusterSolver } from '../workers/solver.js';
import { copyFiles, filesToCopy } from './model-files.js';
import { fillFolder, type FolderSystem } from './output-folder.js';

/** What is done to a part. */
export type PartRule =
  /** Every candidate gets so many bits. */
  | { readonly bits: PaletteBits; readonly group?: number }
  /** The layers of a recipe get its bits; `name` is for messages. */
  | { readonly recipe: Recipe; readonly name?: string; readonly group?: number };

/** Options of {@link applyRecipe}. */
export interface ApplyOptions {
  /** The model's folder, in diffusers layout. */
  readonly model: string;
  /** The folder to make; its parent is there, it is not. */
  readonly out: string;
  /** By folder, e.g. `unet`; `''` where the model's folder holds the weights itself. All other parts are copied. */
  readonly parts: Readonly<Record<string, PartRule>>;
  /** Only weights of more elements than this are candidates. Default 1e5, as published. */
  readonly minWeights?: number;
  /** Does the clusterings: `nodeWorkerSolver()`. The caller closes it. */
  readonly solver: ClusterSolver;
  readonly signal?: AbortSignal;
  /** How far it is, in weights; each is counted when its palette is fitted and when it is packed. */
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
  /** Σ (weight − entry)² of each palettized layer. */
  readonly errors: Readonly<Record<string, number>>;
}

/** A part to be palettized. */
interface PlannedPart {
  readonly folder: string;
  readonly component: Component;
  readonly forms: ReadonlyMap<string, StoredPaletteForm>;
  readonly averageBits: number;
}

/**
 * Writes a model folder anew with some parts palettized: the same layout, the other parts, configurations and tokenizers
 * as they are. The output folder appears when it is complete; when anything fails, nothing is left behind. Weights are
 * read twice, a few megabytes at a time.
 *
 * @returns By part.
 * @throws `RecipeError` `recipe/unknown-layer` and others of its table, `PalettizeError`, `WeightError`,
 * `MissingPartError`, `CancelledError`.
 */
export async function applyRecipe(options: ApplyOptions): Promise<Readonly<Record<string, AppliedPart>>> {
  const { model, out, parts, solver, signal, onProgress, system } = options;
  throwIfCancelled(signal, `palettizing ${model}`);
  const source = folderSource(model);
  const planned: PlannedPart[] = [];
  for (const [folder, rule] of Object.entries(parts)) {
    const component = await openComponent(source, folder, { signal });
    planned.push({ folder, component, ...planPart(component, rule, options.minWeights) });
  }
  const copied = await filesToCopy(model, source, new Set(Object.keys(parts)), signal);
  const bytes =
    planned.reduce((sum, part) => sum + partBytes(part), 0) + copied.reduce((sum, file) => sum + file.bytes, 0);
  const weights = planned.reduce((sum, { forms }) => sum + weightsOf(forms), 0);
  const meter = new ProgressMeter(2 * weights, onProgress);

  const fill = async (folder: string) => {
    const applied: Record<string, AppliedPart> = {};
    for (const part of planned) applied[part.folder] = await writePart(part, folder, { solver, signal, meter });
    await copyFiles(model, folder, copied, signal);
    throwIfCancelled(signal, `palettizing ${model}`);
    return applied;
  };
  return fillFolder(out, bytes, fill, system);
}

function planPart(
  component: Component,
  rule: PartRule,
  minWeights?: number,
): Pick<PlannedPart, 'forms' | 'averageBits'> {
  if (palettizedEntries(component).size > 0) {
    throw new PalettizeError(
      'palettize/already-palettized',
      `${component.name}: expected weights as they were trained, got a palettized part. Start from the original model.`,
    );
  }
  const tensors = [...component.entries.values()];
  const candidates = candidatesOf(tensors, { minWeights });
  const chosen =
    'recipe' in rule
      ? resolveRecipe(rule.name ?? `recipe of ${component.name}`, rule.recipe, tensors)
      : candidates.map((candidate) => ({ candidate, bits: rule.bits }));
  const group = rule.group ?? 0;
  const forms = new Map(
    chosen.flatMap(({ candidate, bits }): [string, StoredPaletteForm][] =>
      isPaletteBits(bits) ? [[candidate.tensor, { shape: candidate.shape, bits, group }]] : [],
    ),
  );
  const bitsOf = new Map<string, LayerBits>(chosen.map(({ candidate, bits }) => [candidate.layer, bits]));
  return { forms, averageBits: averageBits(candidates, (layer) => bitsOf.get(layer), group) };
}

async function writePart(
  { folder, component, forms, averageBits: average }: PlannedPart,
  out: string,
  run: { solver: ClusterSolver; signal?: AbortSignal; meter: ProgressMeter },
): Promise<AppliedPart> {
  const fitted = await fitPalettes(component, forms, run);
  const { tensors, metadata } = palettizedPart(component, fitted, run);
  const file = folder ? `${folder}/${outputName(component)}` : outputName(component);
  await mkdir(join(out, dirname(file)), { recursive: true });
  await writeSafetensors(join(out, file), tensors, { metadata, signal: run.signal });
  const errors = Object.fromEntries([...fitted].map(([name, { error }]) => [name.replace(/\.weight$/, ''), error]));
  return { file, tensors: fitted.size, averageBits: average, errors };
}

/** `diffusion_pytorch_model.safetensors` or `model.safetensors`, whatever variant or shards the source has. */
function outputName({ files }: Component): string {
  const name = files[0]!.path.split('/').at(-1)!;
  return `${name.slice(0, name.search(/[.-]/))}.safetensors`;
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
