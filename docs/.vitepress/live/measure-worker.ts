import { benchOps } from '@pleinair/bench';
import { version } from 'pleinair';
import { isPleinairError, requestDevice } from '@pleinair/tensor';
import type { MeasureNews, MeasureOrder } from './messages.js';

const tell = (news: MeasureNews): void => self.postMessage(news);
let running: AbortController | undefined;

async function measure(quick: boolean): Promise<void> {
  const { signal } = (running = new AbortController());
  try {
    const device = await requestDevice();
    try {
      await benchOps(device, {
        quick,
        signal,
        dtype: device.profile.features.shaderF16 ? 'f16' : 'f32',
        versions: { pleinair: version, browser: navigator.userAgent },
        command: `in a page${quick ? ', quick' : ''}`,
        onEvent: (event) => {
          if (event.kind === 'shape') {
            tell({ kind: 'shape', text: `${event.suite}: ${event.shape}`, index: event.index, of: event.of });
          }
          if (event.kind === 'report') tell({ kind: 'report', report: event.report });
        },
      });
    } finally {
      device.destroy();
    }
    tell({ kind: 'done' });
  } catch (error) {
    const code = isPleinairError(error) ? error.code : 'unknown';
    tell({ kind: 'failed', code, message: error instanceof Error ? error.message : String(error) });
  }
  running = undefined;
}

self.addEventListener('message', ({ data }: MessageEvent<MeasureOrder>) => {
  if (data.kind === 'cancel') running?.abort();
  else void measure(data.quick);
});
