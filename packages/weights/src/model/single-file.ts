import { modelIndex, schedulerConfig, tokenizerFiles } from '../checkpoint/pipeline-files.js';
import { recogniseCheckpoint, type CheckpointKind, type CheckpointPrediction } from '../checkpoint/recognise.js';
import { checkpointSections } from '../checkpoint/sections.js';
import { textConfig } from '../checkpoint/text-config.js';
import type { JsonObject } from '../checkpoint/told-by-shapes.js';
import { unetConfig } from '../checkpoint/unet-config.js';
import { vaeConfig } from '../checkpoint/vae-config.js';
import { isPartedSource, type Component, type PartedSource } from '../component.js';
import { MissingPartError, WeightError } from '../errors.js';
import { openSafetensors } from '../safetensors-file.js';
import { createSource, type ModelSource, type ReadOptions } from '../source.js';
import { textPartsOf, unetPart, vaePart, type CheckpointPart } from './checkpoint-parts.js';

/** What is known better than a single-file checkpoint tells. */
export interface CheckpointOptions extends ReadOptions {
  /** What the UNet predicts. No tensor tells it: by default metadata and marks do, and for SD 2.x a guess. */
  readonly prediction?: CheckpointPrediction;
  /** Take the moving averages of the UNet's weights (EMA) where the file has both. @defaultValue false */
  readonly averages?: boolean;
  /**
   * Files that take the place of those made here: `unet/config.json`, `scheduler/scheduler_config.json`,
   * `tokenizer/vocab.json`, … Of this source no weights are read.
   */
  readonly config?: ModelSource;
}

/** A single-file checkpoint as a model in diffusers layout: its configurations are made, its weights come by part. */
export interface CheckpointModel extends PartedSource {
  /** The file, relative to the source it was opened from. */
  readonly file: string;
  /** What the checkpoint is, and how that was told. */
  readonly kind: CheckpointKind;
  /** Names in the file that have no place in the layout: schedules, losses, averages that were not taken. */
  readonly unused: readonly string[];
  /** Folders of the parts that the file has, e.g. `text_encoder`, `unet`, `vae`. */
  readonly parts: readonly string[];
  /** Paths of all files but weights, e.g. `unet/config.json`; those of `config` only where they replace one of these. */
  readonly files: readonly string[];
}

/** True for models that are single-file checkpoints. */
export function isCheckpointModel(source: ModelSource): source is CheckpointModel {
  return isPartedSource(source) && 'kind' in source && 'unused' in source;
}

/** What a part that is missing is called, and what its tensors would be named. */
const partWords: Readonly<Record<string, readonly [what: string, tensors: string]>> = {
  vae: ['the VAE', 'first_stage_model.*'],
  text_encoder: ['the text encoder', 'cond_stage_model.* or conditioner.embedders.0.*'],
  text_encoder_2: ['the second text encoder', 'conditioner.embedders.1.*'],
};

/**
 * Opens a single-file checkpoint of Stable Diffusion 1.x, 2.x, XL or XL's refiner, inpainting models included, under the
 * names of the original training code. It then reads as a model in diffusers layout: `unet/config.json` and the others are
 * made of what shapes tell, CLIP's tokenizer comes with this package, and `openComponent` finds each part's tensors under
 * diffusers' names. Nothing is copied: queries, keys and values that lie in one tensor are read from their thirds of it.
 *
 * A part that the file lacks (some come without a VAE) is missing when it is asked for, so that `layeredSource` can take
 * it from elsewhere.
 *
 * @param path - The file, relative to the source.
 * @throws `WeightError` `weights/pickle`, `weights/unknown-checkpoint` and what {@link openSafetensors} throws;
 *   `weights/missing-tensor` where averages are asked for and there are none.
 */
export async function openCheckpoint(
  source: ModelSource,
  path: string,
  options: CheckpointOptions = {},
): Promise<CheckpointModel> {
  const { signal, config, averages = false } = options;
  const file = await openSafetensors(source, path, { signal });
  const kind = await recogniseCheckpoint(file, options, { signal });
  const sections = checkpointSections(file);
  if (averages && !kind.hasAverages) {
    throw new WeightError(
      'weights/missing-tensor',
      `${path}: expected moving averages of the UNet (model_ema.*), got a file without. Leave them out (no --ema).`,
    );
  }

  const unet = unetPart(file, sections, averages);
  const texts = textPartsOf(file, kind, sections);
  const parts = new Map<string, CheckpointPart>([...texts, ['unet', unet]]);
  if (sections.vae.size > 0) parts.set('vae', vaePart(file, sections));

  // Made when asked for: what shapes do not tell may be given.
  const made = new Map<string, () => string | Promise<string>>();
  const json = (at: string, value: () => JsonObject): void => {
    made.set(at, () => `${JSON.stringify(value(), undefined, 2)}\n`);
  };
  json('model_index.json', () => modelIndex(kind));
  json('scheduler/scheduler_config.json', () => schedulerConfig(kind));
  json('unet/config.json', () => unetConfig(sections.unet, kind));
  if (sections.vae.size > 0) json('vae/config.json', () => vaeConfig(sections.vae, kind.family));
  for (const [folder, { of }] of texts) {
    json(`${folder}/config.json`, () => textConfig(of));
    const tokenizer = folder.replace('text_encoder', 'tokenizer');
    const small = tokenizerFiles(of.section.form === 'clip' ? 'end' : 'exclamation');
    for (const [name, value] of Object.entries(small)) json(`${tokenizer}/${name}`, () => value);
    made.set(`${tokenizer}/vocab.json`, async () => (await loadVocabulary()).clipVocabularyText());
    made.set(`${tokenizer}/merges.txt`, async () => (await loadVocabulary()).clipMergesText());
  }

  const describe = (): string => `${path} in ${source.describe()}`;
  const kept = new Map<string, Promise<Uint8Array>>();
  const bytesOf = async (at: string, read: ReadOptions): Promise<Uint8Array | undefined> => {
    if (config && isText(at) && (await config.exists(at, read))) {
      return new TextEncoder().encode(await config.readText(at, read));
    }
    const make = made.get(at);
    if (!make) return undefined;
    const known = kept.get(at) ?? Promise.resolve(make()).then((text) => new TextEncoder().encode(text));
    kept.set(at, known);
    return known;
  };
  const files = createSource({
    describe,
    size: async (at, read) => (await bytesOf(at, read))?.length,
    async readInto(at, start, target, read) {
      const piece = (await bytesOf(at, read))?.subarray(start, start + target.length) ?? new Uint8Array();
      target.set(piece);
      return piece.length;
    },
    readAll: bytesOf,
  });

  return {
    ...files,
    file: path,
    kind,
    parts: [...parts.keys()],
    files: [...made.keys()],
    unused: [...sections.others, ...[...parts.values()].flatMap(({ unused }) => unused)],
    openPart: (folder) => {
      const part = parts.get(folder);
      if (!part) return Promise.reject(lacking(folder, describe()));
      return Promise.resolve<Component>({ name: folder, source, files: [file], entries: part.entries });
    },
  };
}

/** Loaded only for files without a tokenizer: it is larger than all the rest. */
function loadVocabulary(): Promise<typeof import('../clip-vocabulary/vocabulary.js')> {
  return import('../clip-vocabulary/vocabulary.js');
}

function isText(path: string): boolean {
  return /\.(json|txt)$/.test(path) && !/\.index(\.\w+)?\.json$/.test(path);
}

function lacking(folder: string, where: string): MissingPartError {
  const [what, tensors] = partWords[folder] ?? [folder, `${folder}/`];
  return new MissingPartError(
    what,
    where,
    [tensors],
    'Put a model that has it behind this one, e.g. load([file, folder]), or --model with both.',
  );
}
