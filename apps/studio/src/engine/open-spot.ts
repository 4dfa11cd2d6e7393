import { modelFiles } from '@pleinair/demo-model/files';
import { openModel, parseHubName } from '@pleinair/weights';
import { blobSource, httpFilesSource, openPlace, type ModelSource } from 'pleinair';
import type { ModelSpot } from '../models/studio-model.js';

/**
 * Files of a model, in diffusers layout whatever its form.
 *
 * @throws `PleinairError` where it is not there or is no model.
 */
export async function openSpot(spot: ModelSpot, signal?: AbortSignal): Promise<ModelSource> {
  switch (spot.kind) {
    case 'demo':
      return httpFilesSource(modelFiles);
    case 'stored': {
      const { openModelStore } = await import('@pleinair/weights/browser');
      const store = await openModelStore();
      // A name on the Hub may be that of one file.
      return openModel(await store.source(spot.name), { file: parseHubName(spot.name)?.file, signal });
    }
    case 'files': {
      const [first, ...others] = spot.files;
      const isCheckpoint = first && !spot.files.some(([path]) => path === 'model_index.json');
      if (!isCheckpoint) return openPlace(blobSource(new Map(spot.files)), { signal });
      const config = others.length > 0 ? blobSource(new Map(others)) : undefined;
      return openPlace(first[1], { signal, checkpoint: { config } });
    }
  }
}

/** The same text for the same model. */
export function spotKey(spot: ModelSpot): string {
  return spot.kind === 'demo' ? 'demo' : `${spot.kind}:${spot.name}`;
}
