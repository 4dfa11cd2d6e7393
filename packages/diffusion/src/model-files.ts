import { parseSchedulerConfig } from '@pleinair/schedulers';
import type { ModelSource } from '@pleinair/weights';
import { ConfigError } from './json-config.js';
import type { ModelDefaults } from './pipeline/latent-model.js';

/** A parsed JSON object. */
export type JsonObject = Readonly<Record<string, unknown>>;

/**
 * Reads a file of a model folder that holds a JSON object.
 *
 * @throws `ConfigError` `config/not-an-object`; `WeightError` where the file is missing or no JSON.
 */
export async function readJsonObject(
  source: ModelSource,
  path: string,
  options: { readonly signal?: AbortSignal } = {},
): Promise<JsonObject> {
  const value = await source.readJson(path, options);
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as JsonObject;
  throw new ConfigError(
    'config/not-an-object',
    `${path}: expected a JSON object, got ${JSON.stringify(value).slice(0, 40)}. Download the model again.`,
  );
}

/**
 * Reads a model folder's `scheduler/scheduler_config.json`, as text: Python writes infinities there, which JSON does not know.
 *
 * @throws `SchedulerError` for a broken file; `WeightError` where it is missing.
 */
export async function readSchedulerJson(
  source: ModelSource,
  options: { readonly signal?: AbortSignal } = {},
): Promise<JsonObject> {
  return parseSchedulerConfig(await source.readText('scheduler/scheduler_config.json', options));
}

/**
 * Reads `pleinair.json`, where a model's makers left one: defaults for this library, not part of diffusers' layout.
 *
 * @throws `ConfigError` `config/not-an-object`; `WeightError` where it is no JSON.
 */
export async function readDefaultsJson(
  source: ModelSource,
  options: { readonly signal?: AbortSignal } = {},
): Promise<JsonObject | undefined> {
  return (await source.exists('pleinair.json', options)) ? readJsonObject(source, 'pleinair.json', options) : undefined;
}

/** What `pleinair.json` says of how pictures are made when the caller does not. */
export function readDefaults(json: JsonObject | undefined): Partial<ModelDefaults> {
  const entries = Object.entries(json ?? {}).filter(
    ([key, value]) => ['width', 'height', 'steps', 'guidance'].includes(key) && typeof value === 'number',
  );
  return Object.fromEntries(entries);
}
