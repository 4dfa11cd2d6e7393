import { assertSafeShardFilename } from '@huggingface/hub';
import { pickleFilesIn, weightFilesIn } from '../component.js';
import { MissingPartError, reasonOf, WeightError } from '../errors.js';
import { bytesInWords } from './bytes-in-words.js';
import { HubError } from './hub-error.js';

/** A file as far as choosing goes. */
interface ListedFile {
  readonly path: string;
  readonly size: number;
}

/** What {@link selectFiles} is given. */
export interface Repository<File extends ListedFile> {
  /** Its name in words, for errors. */
  readonly name: string;
  readonly files: readonly File[];
  /** Reads one of the small ones. */
  readText(path: string): Promise<string>;
}

/** What a part of a model is made of. */
const partKinds: Readonly<Record<string, 'weights' | 'tokenizer' | 'scheduler'>> = {
  unet: 'weights',
  vae: 'weights',
  text_encoder: 'weights',
  text_encoder_2: 'weights',
  tokenizer: 'tokenizer',
  tokenizer_2: 'tokenizer',
  scheduler: 'scheduler',
};

/** Parts that pictures can be made without, and are. */
const leftOut = new Set(['safety_checker', 'feature_extractor', 'image_encoder', 'watermark']);

const smallFiles: Readonly<Record<'tokenizer' | 'scheduler', readonly string[]>> = {
  tokenizer: ['tokenizer.json', 'vocab.json', 'merges.txt', 'tokenizer_config.json', 'special_tokens_map.json'],
  scheduler: ['scheduler_config.json'],
};

/** At the top of a model. */
const topFiles = ['model_index.json', 'pleinair.json'];

/**
 * Chooses the files of a repository that its model needs: the parts that `model_index.json` names, of each the weights that
 * would be loaded, in the variant that is preferred, and no other form of the same.
 *
 * @throws `HubError` `hub/single-file`, `hub/pickle`, `hub/not-a-model`; `MissingPartError`; `WeightError` `weights/not-json`,
 *   `weights/invalid-index`.
 */
export async function selectFiles<File extends ListedFile>(
  repository: Repository<File>,
  prefer: 'fp16' | 'full' = 'fp16',
): Promise<File[]> {
  const { name, files } = repository;
  const byPath = new Map(files.map((file) => [file.path, file]));
  if (!byPath.has('model_index.json')) throw noModel(name, files);
  const chosen = new Set(topFiles.filter((path) => byPath.has(path)));
  for (const part of await partsOf(repository)) {
    const kind = partKinds[part]!;
    const paths =
      kind === 'weights'
        ? await weightPaths(repository, byPath, part, prefer)
        : smallFiles[kind].map((file) => `${part}/${file}`).filter((path) => byPath.has(path));
    if (kind !== 'weights' && paths.length === 0) {
      const wanted = smallFiles[kind].map((file) => `${part}/${file}`);
      throw new MissingPartError(part, name, wanted, 'It is not a whole model: choose another.');
    }
    for (const path of paths) chosen.add(path);
  }
  return files.filter(({ path }) => chosen.has(path));
}

/** The parts that the model's index names. */
async function partsOf(repository: Repository<ListedFile>): Promise<string[]> {
  const index = await readJson(repository, 'model_index.json');
  const parts = Object.entries(index)
    .filter(([, value]) => Array.isArray(value) && value.every((each) => typeof each === 'string'))
    .map(([part]) => part)
    .filter((part) => !leftOut.has(part));
  const strange = parts.filter((part) => !(part in partKinds));
  if (strange.length === 0 && parts.includes('unet')) return parts;
  const got = strange.length > 0 ? strange.join(', ') : 'none of them';
  throw new HubError(
    'hub/not-a-model',
    `${repository.name}: expected the parts of Stable Diffusion (${Object.keys(partKinds).join(', ')}), got ${got} ` +
      `in a ${String(index['_class_name'])}. Choose a model of Stable Diffusion XL or 1.x; nothing was downloaded.`,
  );
}

async function weightPaths(
  repository: Repository<ListedFile>,
  byPath: ReadonlyMap<string, ListedFile>,
  part: string,
  prefer: 'fp16' | 'full',
): Promise<string[]> {
  const config = `${part}/config.json`;
  const candidates = weightFilesIn(part, prefer);
  const found = candidates.find((path) => byPath.has(path));
  if (found === undefined) {
    const pickle = pickleFilesIn(part).find((path) => byPath.has(path));
    if (pickle !== undefined) throw pickled(repository.name, [pickle]);
    throw new MissingPartError(part, repository.name, candidates, 'It is not a whole model: choose another.');
  }
  if (!byPath.has(config)) {
    throw new MissingPartError(part, repository.name, [config], 'It is not a whole model: choose another.');
  }
  if (!found.endsWith('.json')) return [config, found];
  const shards = shardsIn(await readJson(repository, found), found).map((shard) => `${part}/${shard}`);
  const absent = shards.filter((path) => !byPath.has(path));
  if (absent.length > 0) {
    throw new MissingPartError(
      `${part}: ${absent.length} of ${shards.length} shards`,
      repository.name,
      absent,
      'It is not a whole model: choose another.',
    );
  }
  return [config, found, ...shards];
}

function shardsIn(index: Readonly<Record<string, unknown>>, path: string): string[] {
  const invalid = (got: string): WeightError =>
    new WeightError('weights/invalid-index', `${path}: expected a weight_map of names to files beside it, got ${got}.`);
  const map = index['weight_map'];
  if (typeof map !== 'object' || map === null) throw invalid('none');
  return [...new Set(Object.values(map))].map((shard: unknown) => {
    if (typeof shard !== 'string') throw invalid(JSON.stringify(shard));
    try {
      assertSafeShardFilename(shard);
    } catch (error) {
      throw invalid(reasonOf(error));
    }
    return shard;
  });
}

async function readJson(repository: Repository<ListedFile>, path: string): Promise<Readonly<Record<string, unknown>>> {
  const text = await repository.readText(path);
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch {
    // told below
  }
  throw new WeightError(
    'weights/not-json',
    `${path}: expected a JSON object in ${repository.name}, got ${JSON.stringify(text.slice(0, 40))}. Choose another model.`,
  );
}

/** The error for a repository that is no model in diffusers layout, naming what it holds. */
function noModel(name: string, files: readonly ListedFile[]): HubError {
  const ending = (...endings: string[]): ListedFile[] =>
    files.filter(({ path }) => endings.some((each) => path.endsWith(each))).toSorted((a, b) => b.size - a.size);
  const checkpoints = ending('.safetensors');
  if (checkpoints.length > 0) {
    const shown = checkpoints.slice(0, 8).map(({ path, size }) => `${path} (${bytesInWords(size)})`);
    const more = checkpoints.length > 8 ? ` and ${checkpoints.length - 8} more` : '';
    return new HubError(
      'hub/single-file',
      `${name}: expected a model_index.json, got a repository of single files: ${shown.join(', ')}${more}. ` +
        `Name the one that is meant, e.g. ${withFile(name, checkpoints[0]!.path)}.`,
    );
  }
  const pickles = ending('.ckpt', '.bin', '.pt', '.pth');
  if (pickles.length > 0)
    return pickled(
      name,
      pickles.slice(0, 4).map(({ path }) => path),
    );
  return new HubError(
    'hub/not-a-model',
    `${name}: expected a model_index.json, got ${files.length} files without one. Choose a model in diffusers layout.`,
  );
}

function pickled(name: string, paths: readonly string[]): HubError {
  return new HubError(
    'hub/pickle',
    `${name}: expected weights as .safetensors, got pickles only (${paths.join(', ')}). Pickles can run code when they are ` +
      'opened, so they never are. Choose a revision or a copy with .safetensors, or convert it where it is trusted: ' +
      'in Python, DiffusionPipeline.from_pretrained(…).save_pretrained(FOLDER, safe_serialization=True).',
  );
}

function withFile(name: string, path: string): string {
  const at = name.indexOf('@');
  return at < 0 ? `${name}/${path}` : `${name.slice(0, at)}/${path}${name.slice(at)}`;
}
