// A worker that converts a single file into the browser's storage, and tells how far it is.
import { isPleinairError } from '@pleinair/tensor';
import { httpSource } from '@pleinair/weights';
import { openModelStore } from '@pleinair/weights/browser';
import { convertModel } from '../src/models.js';

/** What the worker is sent. */
export interface ConvertTask {
  readonly folder: string;
  readonly file: Blob;
  readonly palettize: 4 | 16;
  /** Where configurations are that no single file tells. */
  readonly config: string;
}

/** What it answers. */
export type ConvertAnswer =
  | { readonly kind: 'progress'; readonly doneBytes: number; readonly totalBytes: number }
  | { readonly kind: 'done' }
  | { readonly kind: 'failed'; readonly code?: string; readonly message: string };

const cancel = new AbortController();
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- to the page, from its worker
const answer = (message: ConvertAnswer): void => postMessage(message);

addEventListener('message', ({ data }: MessageEvent<ConvertTask | 'cancel'>) => {
  if (data === 'cancel') cancel.abort();
  else void convert(data);
});

async function convert({ folder, file, palettize, config }: ConvertTask): Promise<void> {
  try {
    const store = await openModelStore({ folder });
    await convertModel(file, {
      sink: await store.sink('local/demo'),
      checkpoint: { config: httpSource(config) },
      palettize,
      minWeights: 130_000,
      signal: cancel.signal,
      onProgress: ({ phase, doneBytes, totalBytes }) => {
        if (phase === 'writing') answer({ kind: 'progress', doneBytes, totalBytes });
      },
    });
    answer({ kind: 'done' });
  } catch (error) {
    const code = isPleinairError(error) ? error.code : undefined;
    answer({ kind: 'failed', code, message: String(error) });
  }
}
