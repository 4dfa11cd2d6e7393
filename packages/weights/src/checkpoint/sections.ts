import type { SafetensorsEntry, SafetensorsFile } from '../safetensors-file.js';

/** Tensors by name, without the prefix of the part they are of. */
export type Tensors = ReadonlyMap<string, SafetensorsEntry>;

/** A text encoder in a single file. */
export interface TextSection {
  /** What its names begin with in the file. */
  readonly prefix: string;
  /** `clip` as transformers keeps it, `open-clip` as OpenCLIP does. */
  readonly form: 'clip' | 'open-clip';
  readonly tensors: Tensors;
}

/** The tensors of a single-file checkpoint, part by part. */
export interface CheckpointSections {
  readonly unet: Tensors;
  /** The UNet's moving averages, under the names of the tensors they are of; empty where the file has none. */
  readonly unetAverages: Tensors;
  readonly vae: Tensors;
  /** In the order of the pipeline. */
  readonly text: readonly TextSection[];
  /** Everything else: schedules, losses, what tools left behind. */
  readonly others: readonly string[];
}

const unetPrefix = 'model.diffusion_model.';
const vaePrefixes = ['first_stage_model.', 'vae.'];
const textPrefixes: readonly (readonly [prefix: string, form: TextSection['form']])[] = [
  ['cond_stage_model.transformer.', 'clip'],
  ['cond_stage_model.model.', 'open-clip'],
  ['conditioner.embedders.0.transformer.', 'clip'],
  ['conditioner.embedders.0.model.', 'open-clip'],
  ['conditioner.embedders.1.model.', 'open-clip'],
];

/** Sorts the tensors of a single-file checkpoint by the parts they are of, by the prefixes of the original training code. */
export function checkpointSections(file: SafetensorsFile): CheckpointSections {
  const prefixes = [unetPrefix, ...vaePrefixes, ...textPrefixes.map(([prefix]) => prefix)];
  const byPrefix = new Map(prefixes.map((prefix) => [prefix, new Map<string, SafetensorsEntry>()]));
  const others: string[] = [];
  for (const [name, entry] of file.entries) {
    const prefix = prefixes.find((each) => name.startsWith(each));
    if (prefix) byPrefix.get(prefix)!.set(name.slice(prefix.length), entry);
    else others.push(name);
  }
  const unet = byPrefix.get(unetPrefix)!;
  return {
    unet,
    unetAverages: averagesOf(file, unet.keys()),
    vae: vaePrefixes.map((prefix) => byPrefix.get(prefix)!).find(({ size }) => size > 0) ?? new Map(),
    text: textPrefixes.flatMap(([prefix, form]) => {
      const tensors = byPrefix.get(prefix)!;
      return tensors.size > 0 ? [{ prefix, form, tensors }] : [];
    }),
    others,
  };
}

/** Training code keeps moving averages under names without dots, as attributes of one module. */
function averagesOf(file: SafetensorsFile, names: Iterable<string>): Tensors {
  const averages = new Map<string, SafetensorsEntry>();
  for (const name of names) {
    const entry = file.entries.get(`model_ema.${`diffusion_model.${name}`.replaceAll('.', '')}`);
    if (entry) averages.set(name, entry);
  }
  return averages;
}
