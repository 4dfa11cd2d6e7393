import { benchOps, type BenchOpsOptions } from '@pleinair/bench';
import { version } from 'pleinair';
import { isPleinairError, requestDevice } from '@pleinair/tensor';
import type { MeasureExtent, MeasureNews, MeasureOrder } from './messages.js';

const tell = (news: MeasureNews): void => self.postMessage(news);
let running: AbortController | undefined;

const extents: Readonly<Record<MeasureExtent, BenchOpsOptions>> = {
  all: {},
  few: { quick: true },
  least: { quick: true, suites: ['matmul', 'conv'], scale: 'least', tune: 'off' },
};
const told: Readonly<Record<MeasureExtent, string>> = { all: '', few: ', quick', least: ', the least shapes' };

async function measure(extent: MeasureExtent): Promise<void> {
  const { signal } = (running = new AbortController());
  try {
    const device = await requestDevice();
    try {
      await benchOps(device, {
        ...extents[extent],
        signal,
        dtype: device.profile.features.shaderF16 ? 'f16' : 'f32',
        versions: { pleinair: version, browser: navigator.userAgent },
        command: `in a page${told[extent]}`,
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
  else void measure(data.extent);
});
