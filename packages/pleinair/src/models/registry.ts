import { ConfigError, readJsonObject } from '@pleinair/diffusion';
import type { ModelSource } from '@pleinair/weights';
import type { Architecture, ModelDescription, RunnableArchitecture } from './architecture.js';
import { sd } from './sd.js';
import { sdxl } from './sdxl.js';

/** Every kind of model this version knows. */
export const architectures: readonly Architecture[] = [sdxl, sd];

/** Models known by name: their configuration is enough to plan and tune them, without any files. */
export const modelPresets: readonly string[] = architectures.flatMap(({ presets }) => Object.keys(presets));

/** The description of a model known by name; nothing for other names. */
export function describePreset(name: string): ModelDescription | undefined {
  return architectures.find(({ presets }) => Object.hasOwn(presets, name))?.presets[name]?.();
}

/**
 * Tells which kind of model lies in a source, by its `model_index.json`.
 *
 * @throws `ConfigError` `config/unknown-architecture`, with the list; `config/not-an-object`; `WeightError` where the file
 *   is missing or no JSON.
 */
export function architectureOf(
  source: ModelSource,
  options: { readonly signal?: AbortSignal } = {},
): Promise<Architecture> {
  return findArchitecture(source, architectures, 'knows', options.signal);
}

/**
 * As {@link architectureOf}, for models that pictures are to be made with: kinds that can only be described are refused.
 *
 * @throws What {@link architectureOf} throws.
 */
export function runnableArchitectureOf(
  source: ModelSource,
  options: { readonly signal?: AbortSignal } = {},
): Promise<RunnableArchitecture> {
  return findArchitecture(source, architectures.filter(isRunnable), 'makes pictures with', options.signal);
}

async function findArchitecture<Kind extends Architecture>(
  source: ModelSource,
  kinds: readonly Kind[],
  does: string,
  signal: AbortSignal | undefined,
): Promise<Kind> {
  const { _class_name: className } = await readJsonObject(source, 'model_index.json', { signal });
  const found = kinds.find(({ classNames }) => classNames.some((name) => name === className));
  if (found) return found;
  throw new ConfigError(
    'config/unknown-architecture',
    `model_index.json: expected "_class_name" to be one of ${kinds.flatMap(({ classNames }) => classNames).join(', ')}, ` +
      `got ${JSON.stringify(className)}. This version ${does} models of ${kinds.map(({ title }) => title).join(' and ')}.`,
  );
}

function isRunnable(architecture: Architecture): architecture is RunnableArchitecture {
  return architecture.open !== undefined;
}

/**
 * Reads what a model is from its configuration; no weights are looked at.
 *
 * @throws What {@link architectureOf} throws; `ConfigError`, `SchedulerError` for configurations that cannot be followed.
 */
export async function describeModel(
  source: ModelSource,
  options: { readonly signal?: AbortSignal } = {},
): Promise<ModelDescription> {
  return (await architectureOf(source, options)).describe(source, options.signal);
}
