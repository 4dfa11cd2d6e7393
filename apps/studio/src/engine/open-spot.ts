import { modelFiles } from '@pleinair/demo-model/files';
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
      return openPlace(await store.source(spot.name), { signal });
    }
    case 'files': {
      const [first] = spot.files;
      if (spot.files.length === 1 && first) return openPlace(first[1], { signal });
      return openPlace(blobSource(new Map(spot.files)), { signal });
    }
  }
}

/** The same text for the same model. */
export function spotKey(spot: ModelSpot): string {
  return spot.kind === 'demo' ? 'demo' : `${spot.kind}:${spot.name}`;
}
