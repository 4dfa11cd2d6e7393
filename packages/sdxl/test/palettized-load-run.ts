// Run by palettized-load.slow.test.ts in a process of its own: loads a palettized UNet into the GPU's buffers, and prints
// what that took of the host's memory. Argument: the model's folder.
import { planProgram, requestDevice, WeightStore } from '@pleinair/tensor';
import { componentPalettes, loadWeights, openComponent } from '@pleinair/weights';
import { folderSource } from '@pleinair/weights/node';
import { leastShape } from '@pleinair/diffusion';
import { partGraph, readSdxlConfig, sdxlBaseFiles } from '../src/index.js';

const device = await requestDevice({ fallback: true });
const component = await openComponent(folderSource(process.argv[2]!), 'unet');
const palettes = componentPalettes(component);
const graph = partGraph(readSdxlConfig(sdxlBaseFiles), leastShape, 'unet', () => palettes);
const { segments, weightsBytes } = planProgram(graph, device.profile);
const weights = [...new Set(segments.flatMap((segment) => segment.weights))];
const store = new WeightStore(device);

// What planning left behind must not make room for what loading takes. Runs under --expose-gc.
(globalThis as { gc?: () => void }).gc!();
const before = process.memoryUsage.rss();
const start = performance.now();
const { loadedBytes, leftover } = await loadWeights(weights, component, {
  upload: (weight, piece) => store.upload(weight, [piece]),
});
await store.flush();
const seconds = (performance.now() - start) / 1000;
// A software adapter's buffers are host memory; a real one's are not.
const buffers = device.profile.isSoftware ? store.bytes : 0;
const rise = process.resourceUsage().maxRSS * 1024 - before - buffers;
const filled = weights.every((weight) => store.isFilled(weight));
console.log(
  JSON.stringify({
    adapter: device.profile.name,
    loadedBytes,
    leftover,
    filled,
    weightsBytes,
    bufferBytes: store.bytes,
    rise,
    seconds,
  }),
);
store.dispose();
process.exit(0); // Dawn keeps the process alive
