/** What a page and a script of Node are asked to paint. */
export interface Painting {
  /** Name on the Hub, or a folder. */
  readonly model: string;
  /** Of `load`. */
  readonly options: Readonly<Record<string, unknown>>;
  /** Of `generate`. */
  readonly request: Readonly<Record<string, unknown>>;
}

/** What they tell. */
export interface Painted {
  readonly adapter: string;
  readonly shaderF16: boolean;
  readonly latents: readonly number[];
  readonly rgba: readonly number[];
  readonly memory: Readonly<Record<string, number | string>>;
  readonly timings: Readonly<Record<string, number>>;
  /** What pictures of that size hold on the GPU at most, from plans. */
  readonly plannedBytes: number;
}

/** What the worker tells of a download. */
export interface Downloaded {
  readonly totalBytes: number;
  readonly fits: boolean;
  readonly reports: number;
  readonly storage: { readonly modelBytes: number; readonly usedBytes: number; readonly freeBytes: number };
  readonly ms: number;
}

const paint = `
async function paint({ model, options, request }) {
  const started = performance.now();
  let doing = '';
  const onProgress = ({ part, phase }) => {
    if (doing === part + ' ' + phase) return;
    doing = part + ' ' + phase;
    console.error(((performance.now() - started) / 1000).toFixed(1) + ' s: ' + doing);
  };
  const painter = await load(model, options);
  const { images, memory, timings } = await painter.generate({ ...request, onProgress });
  const { profile } = painter.device;
  const { width, height, steps, guidance } = request;
  const { modes } = painter.memoryMap({ width, height, steps, guidance });
  painter.dispose();
  const { latents, rgba } = images[0];
  return {
    adapter: profile.name,
    shaderF16: profile.features.shaderF16,
    latents: [...latents],
    rgba: [...rgba],
    memory,
    timings,
    plannedBytes: modes.find(({ mode }) => mode === memory.mode).peakBytes,
  };
}
`;

/** A worker that does what it is sent, and answers. */
export const workerSource = `
import { load } from 'pleinair';
import { openModelStore } from '@pleinair/weights/browser';
${paint}
async function download({ model, endpoint }) {
  const store = await openModelStore({ endpoint });
  const { fits, totalBytes } = await store.offer(model);
  const started = performance.now();
  let reports = 0;
  await store.download(model, { onProgress: () => reports++ });
  return { fits, totalBytes, reports, ms: performance.now() - started, storage: await store.storage() };
}
const tasks = { paint, download };
self.addEventListener('message', async ({ data: { task, input } }) => {
  try {
    self.postMessage({ result: await tasks[task](input) });
  } catch (error) {
    self.postMessage({ failure: String(error?.stack ?? error) });
  }
});
`;

/** A page that asks its worker: `await ask(task, input)`. */
export const pageSource = `
const worker = new Worker(new URL('./worker.js', import.meta.url), { type: 'module' });
window.ask = (task, input) =>
  new Promise((resolve, reject) => {
    worker.onmessage = ({ data }) => (data.failure ? reject(new Error(data.failure)) : resolve(data.result));
    worker.onerror = (event) => reject(new Error(event.message || 'the worker did not start'));
    worker.postMessage({ task, input });
  });
`;

/** A script of Node: its argument is a {@link Painting}. */
export const nodeSource = `
import { load } from 'pleinair';
${paint}
const painted = await paint(JSON.parse(process.argv[2]));
console.log(JSON.stringify(painted));
`;
