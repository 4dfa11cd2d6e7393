import {
  directSolver,
  palettizeModel,
  webWorkerSolver,
  type AppliedPart,
  type ClusterSolver,
  type LayerBits,
} from '@pleinair/palettize';
import { isPleinairError } from '@pleinair/tensor';
import {
  isCheckpointModel,
  WeightError,
  writeModel,
  type FloatDtype,
  type ModelSink,
  type ModelSource,
} from '@pleinair/weights';
import type { ModelDescription } from '../models/architecture.js';
import { describeModel } from '../models/registry.js';
import { openPlace, type ModelPlace, type PlaceOptions } from '../source.js';
import { leastWeights } from './least-weights.js';
import { missingTensors, someOf } from './missing-tensors.js';
import { palettizableParts, widthRules, type PaletteRules } from './palette-rules.js';

/** How far a conversion is. */
export interface ConvertProgress {
  /** `checking`: configurations and headers are read; then weights are read, converted and written. */
  readonly phase: 'checking' | 'writing';
  /** Bytes read; what is palettized is read twice, to fit its palettes and to pack it. */
  readonly doneBytes: number;
  readonly totalBytes: number;
  /** At the pace so far; undefined before there is one. */
  readonly leftMs: number | undefined;
}

/** Options of {@link convertModel}. */
export interface ConvertOptions extends PlaceOptions {
  /** Where it goes: `folderSink` of `@pleinair/weights/node`, or in a browser `ModelStore.sink`. It is committed or discarded here. */
  readonly sink: ModelSink;
  /** What weights are stored in that are not palettized; by default as they are. */
  readonly dtype?: 'f16' | 'f32' | 'bf16';
  /**
   * Palettizes UNet and text encoders: by one width (16: not), or by rules for each folder; a function is asked for these with the
   * folders that may be palettized. @defaultValue 16
   */
  readonly palettize?: LayerBits | PaletteRules | ((folders: readonly string[]) => Promise<PaletteRules>);
  /** Layers of no more weights are left alone; by default as the model's `pleinair.json` says, else 100,000. */
  readonly minWeights?: number;
  /** A part of more bytes is written in several files. @defaultValue 10e9 */
  readonly maxShardBytes?: number;
  /** Does the clusterings; the caller closes it. By default web workers where there are such, else the calling thread. */
  readonly solver?: ClusterSolver;
  /** Told, before anything is written, what a single file was taken for and how that was told. */
  readonly onNotes?: (notes: readonly string[]) => void;
  readonly onProgress?: (progress: ConvertProgress) => void;
}

/** What a conversion wrote. */
export interface ConvertedModel {
  /** What a single file was taken for, how that was told, and what of it was left out. */
  readonly notes: readonly string[];
  /** About how many bytes the model's files have; absent where parts were palettized. */
  readonly bytes?: number;
  /** Parts that were palettized, by folder. */
  readonly parts: Readonly<Record<string, AppliedPart>>;
}

const dtypes: Readonly<Record<'f16' | 'f32' | 'bf16', FloatDtype>> = { f16: 'F16', f32: 'F32', bf16: 'BF16' };

/**
 * Writes a model as files in diffusers layout, whole or not at all: from a single-file checkpoint or from such a model, in
 * another type, palettized. Weights stream through a few megabytes of memory. Runs anywhere; in a browser best in a worker, as
 * it keeps its thread busy.
 *
 * @throws `WeightError` `weights/pickle`, `weights/unknown-checkpoint`, `weights/missing-tensor` before anything is written;
 *   `weights/out-of-range` for a value that fp16 cannot hold; `PalettizeError`, `RecipeError`; `CancelledError`; what `openPlace`,
 *   `describeModel` and the sink throw. Nothing is left then.
 *
 * @example
 * const store = await openModelStore();
 * await convertModel(file, { sink: await store.sink('local/dreamscape'), dtype: 'f16', palettize: 6 });
 */
export async function convertModel(place: ModelPlace, options: ConvertOptions): Promise<ConvertedModel> {
  const { sink, signal, minWeights, maxShardBytes } = options;
  const progress = progressTo(options.onProgress);
  try {
    progress('checking', 0, 0);
    const source = await openPlace(place, options);
    const notes = notesOf(source);
    options.onNotes?.(notes);
    const model = await describeIfKnown(source, signal);
    if (model) await assertComplete(source, model, signal);
    const parts = await rulesOf(model, options.palettize);
    const dtype = options.dtype && dtypes[options.dtype];
    const format = { source, sink, dtype, maxShardBytes, signal };
    if (Object.keys(parts).length === 0) {
      const files = await writeModel({
        ...format,
        onProgress: ({ doneBytes, totalBytes }) => progress('writing', doneBytes, totalBytes),
      });
      return { notes, bytes: files.reduce((sum, { bytes }) => sum + bytes, 0), parts: {} };
    }
    const least = await leastWeights(minWeights, source, { signal });
    const applied = await withSolver(options.solver, (solver) =>
      palettizeModel({
        ...format,
        parts,
        minWeights: least,
        solver,
        onProgress: ({ done, total }) => progress('writing', done, total),
      }),
    );
    return { notes, parts: applied };
  } catch (error) {
    await sink.discard();
    throw error;
  }
}

function progressTo(
  report: ((progress: ConvertProgress) => void) | undefined,
): (phase: ConvertProgress['phase'], doneBytes: number, totalBytes: number) => void {
  let started = performance.now();
  let checked = false;
  return (phase, doneBytes, totalBytes) => {
    if (phase === 'writing' && !checked) [checked, started] = [true, performance.now()];
    const ms = performance.now() - started;
    const leftMs = doneBytes > 0 && ms > paceMs ? (ms / doneBytes) * (totalBytes - doneBytes) : undefined;
    report?.({ phase, doneBytes, totalBytes, leftMs });
  };
}

/** A first piece says nothing about a pace. */
const paceMs = 2000;

/** What a single file was taken for, and how that was told. */
function notesOf(source: ModelSource): readonly string[] {
  if (!isCheckpointModel(source)) return [];
  const { kind, unused } = source;
  const rest = unused.length > 0 ? [`${unused.length} tensors are of no part and are left out: ${someOf(unused)}`] : [];
  return [...kind.reasons, ...rest];
}

/** A kind of model that this version cannot describe may still be written in another layout. */
async function describeIfKnown(
  source: ModelSource,
  signal: AbortSignal | undefined,
): Promise<ModelDescription | undefined> {
  try {
    return await describeModel(source, { signal });
  } catch (error) {
    if (isPleinairError(error) && error.code === 'config/unknown-architecture') return undefined;
    throw error;
  }
}

/** Complains about all tensors that a model of its kind has and this one lacks, before anything is written. */
async function assertComplete(
  source: ModelSource,
  model: ModelDescription,
  signal: AbortSignal | undefined,
): Promise<void> {
  const missing = await missingTensors(source, model, { signal });
  if (missing.length === 0) return;
  throw new WeightError(
    'weights/missing-tensor',
    `convert: expected every tensor of the model, got it without ${missing.length} of them: ${someOf(missing)}. ` +
      'Download the model again.',
  );
}

async function rulesOf(
  model: ModelDescription | undefined,
  palettize: ConvertOptions['palettize'] = 16,
): Promise<PaletteRules> {
  if (typeof palettize === 'object') return palettize;
  const folders = new Set(model ? Object.values(model.partFolders) : ['unet']);
  if (typeof palettize === 'number') return widthRules(palettize, folders);
  return palettize(palettizableParts.filter((folder) => folders.has(folder)));
}

async function withSolver<T>(
  given: ClusterSolver | undefined,
  body: (solver: ClusterSolver) => Promise<T>,
): Promise<T> {
  const solver = given ?? (typeof Worker === 'undefined' ? directSolver() : webWorkerSolver());
  try {
    return await body(solver);
  } finally {
    if (!given) await solver.close();
  }
}
