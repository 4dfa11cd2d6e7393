// Run by memory.slow.test.ts in a process of its own: streams a checkpoint to one small reused buffer, as if that were
// the GPU, and prints what it cost. Arguments: a folder or base address, the tensors as JSON.
import { readFileSync } from 'node:fs';
import { plainRows } from '@pleinair/tensor';
import { httpSource, loadWeights, openComponent } from '../src/index.js';
import { folderSource } from '../src/node.js';
import { weightsOf } from './gpu-stand-in.js';

const [place = '', list = ''] = process.argv.slice(2);
const tensors: { name: string; shape: number[] }[] = JSON.parse(readFileSync(list, 'utf8'));
const weights = weightsOf(tensors.map(({ name, shape }) => [name, shape, plainRows, 'f16']));
const component = await openComponent(place.startsWith('http:') ? httpSource(place) : folderSource(place), 'unet');
const gpu = new Uint16Array(16 * 1024 * 1024);
gpu.fill(1); // touched, so that its pages count before the load and not during it
const sums = new Map<string, number>();
let checkingMs = 0;

const before = process.memoryUsage.rss();
const start = performance.now();
const { loadedBytes, leftover } = await loadWeights(weights, component, {
  upload(weight, { elementOffset, values }) {
    gpu.set(values);
    const checking = performance.now();
    let sum = 0;
    for (let i = 0; i < values.length; i++) {
      if (values[i] !== 0) sum += values[i]! * (1 + ((elementOffset + i) % 997));
    }
    sums.set(weight.source.name, (sums.get(weight.source.name) ?? 0) + sum);
    checkingMs += performance.now() - checking;
  },
});
const seconds = (performance.now() - start - checkingMs) / 1000;
const rise = process.resourceUsage().maxRSS * 1024 - before;
console.log(JSON.stringify({ loadedBytes, leftover, rise, seconds, sums: Object.fromEntries(sums) }));
