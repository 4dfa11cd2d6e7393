// Run by single-file-load.slow.test.ts in a process of its own: loads every part of a single-file checkpoint into the
// GPU's buffers, one after another, and prints what that took of the host's memory. Argument: the file.
import { leastShape } from '@pleinair/diffusion';
import { planProgram, requestDevice, WeightStore } from '@pleinair/tensor';
import { loadWeights, openComponent, openModel } from '@pleinair/weights';
import { localPlace } from '@pleinair/weights/node';
import { partFolders, partGraph, readSdxlConfig, readSdxlFiles, textToImageParts } from '../src/index.js';

const device = await requestDevice({ fallback: true });
const { source, file } = await localPlace(process.argv[2]!);
const model = await openModel(source, { file });
const config = readSdxlConfig(await readSdxlFiles(model));
const planned = textToImageParts.map(({ name }) => {
  const { segments, weightsBytes } = planProgram(partGraph(config, leastShape, name), device.profile);
  return { name, weightsBytes, weights: [...new Set(segments.flatMap((segment) => segment.weights))] };
});

// What planning left behind must not make room for what loading takes. Runs under --expose-gc.
(globalThis as { gc?: () => void }).gc!();
const before = process.memoryUsage.rss();
const start = performance.now();
let most = 0;
let bufferBytes = 0;
let loadedBytes = 0;
for (const { name, weights, weightsBytes } of planned) {
  const store = new WeightStore(device);
  const component = await openComponent(model, partFolders[name]);
  const report = await loadWeights(weights, component, {
    upload: (weight, piece) => store.upload(weight, [piece]),
  });
  await store.flush();
  if (!weights.every((weight) => store.isFilled(weight))) throw new Error(`${name}: weights are missing`);
  if (store.bytes !== weightsBytes) throw new Error(`${name}: ${store.bytes} bytes, and ${weightsBytes} were planned`);
  loadedBytes += report.loadedBytes;
  bufferBytes += store.bytes;
  most = Math.max(most, store.bytes);
  store.dispose();
  await device.gpu.queue.onSubmittedWorkDone();
}
const seconds = (performance.now() - start) / 1000;
// A software adapter's buffers are host memory; a real one's are not.
const rise = process.resourceUsage().maxRSS * 1024 - before - (device.profile.isSoftware ? most : 0);
console.log(JSON.stringify({ adapter: device.profile.name, loadedBytes, bufferBytes, most, rise, seconds }));
process.exit(0); // Dawn keeps the process alive
