import { indicesSuffix, openComponent, type ModelSource, type ReadOptions } from '@pleinair/weights';
import type { ModelDescription } from '../models/architecture.js';

/**
 * What of a model's weights is not in its files. Reads headers only.
 *
 * @returns Names of tensors with their folders, such as `unet: conv_in.weight`.
 * @throws `MissingPartError` for a part that is not there at all; what `openComponent` throws.
 */
export async function missingTensors(
  source: ModelSource,
  model: ModelDescription,
  options: ReadOptions = {},
): Promise<readonly string[]> {
  const missing: string[] = [];
  for (const [part, folder] of Object.entries(model.partFolders)) {
    const { entries } = await openComponent(source, folder, options);
    const there = (name: string): boolean => entries.has(name) || entries.has(name + indicesSuffix);
    missing.push(...model.tensorsOf(part).flatMap(({ name }) => (there(name) ? [] : [`${folder}: ${name}`])));
  }
  return missing;
}

/** The first few of some names. */
export function someOf(names: readonly string[]): string {
  return names.slice(0, 3).join(', ') + (names.length > 3 ? ', …' : '');
}
