import { modelFiles } from '@pleinair/demo-model/files';
import { httpFilesSource, isPleinairError, load, type Painter } from 'pleinair';
import type { PaintNews, PaintOrder } from './messages.js';

const tell = (news: PaintNews): void => self.postMessage(news);
let painter: Painter | undefined;
let running: AbortController | undefined;

async function paint(order: Extract<PaintOrder, { kind: 'paint' }>): Promise<void> {
  const { kind: _, ...request } = order;
  const { signal } = (running = new AbortController());
  try {
    // Kernels are not timed first: a visitor wants a picture, not the fastest one.
    painter ??= await load(httpFilesSource(modelFiles), { memory: 'resident', tune: 'off', signal });
    const { timings } = await painter.generate({
      ...request,
      signal,
      preview: 'quick',
      onProgress: ({ part, loaded, total }) => tell({ kind: 'loading', part, loaded, total }),
      onStep: ({ step, steps, stepsPerSecond, preview }) => {
        tell({ kind: 'step', step, steps, stepsPerSecond });
        if (preview) tell({ kind: 'preview', pixels: preview });
      },
      onImage: ({ width, height, rgba }) => tell({ kind: 'picture', pixels: { width, height, rgba } }),
    });
    tell({ kind: 'done', adapter: painter.adapter, seconds: timings.totalMs / 1000 });
  } catch (error) {
    const code = isPleinairError(error) ? error.code : 'unknown';
    if (code === 'device/lost') painter = undefined;
    tell({ kind: 'failed', code, message: error instanceof Error ? error.message : String(error) });
  }
  running = undefined;
}

self.addEventListener('message', ({ data }: MessageEvent<PaintOrder>) => {
  if (data.kind === 'cancel') running?.abort();
  else void paint(data);
});
