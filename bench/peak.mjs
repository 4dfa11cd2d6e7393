/**
 * What is alive at the moment a UNet step's intermediates peak: where to look when memory should shrink.
 *
 *     npm run build && node bench/peak.mjs [sd15|sdxl] [together|in-turn]
 */
import { denoiserGraph, readUNetConfig } from '@pleinair/diffusion';
import { sdxlBaseFiles } from '@pleinair/sdxl';
import { defaultProfile, planProgram, tensorBytes } from '@pleinair/tensor';
import { sd15Unet } from './configs.mjs';

const [model = 'sdxl', halves = 'together'] = process.argv.slice(2);
const [json, size] = model === 'sd15' ? [sd15Unet, 64] : [sdxlBaseFiles.unet, 128];
const shape = {
  pictures: 1,
  tokens: 77,
  guided: true,
  halves,
  slots: 0,
  drawsNoise: false,
  dtype: 'f16',
  width: size,
  height: size,
};
const plan = planProgram(denoiserGraph(readUNetConfig(json), shape), defaultProfile);
const step = plan.segments.find(({ name }) => name === 'step');
const last = new Map();
step.nodes.forEach(({ node }, i) => [...node.inputs, ...node.outputs].forEach((t) => last.set(t, i)));
const first = new Map();
step.nodes.forEach(({ node, scratch }, i) => {
  for (const t of [...node.outputs, ...scratch]) {
    if (step.offsets.has(t) && !first.has(t)) first.set(t, i);
    if (!last.has(t)) last.set(t, i);
  }
});
const MB = (bytes) => (bytes / 1e6).toFixed(2).padStart(8);
const peaks = step.nodes.map(({ node }, i) => {
  // Tensors at one offset share storage: an output that took over its input's counts once.
  const live = new Map();
  for (const [t, from] of first) if (from <= i && last.get(t) >= i) live.set(step.offsets.get(t), t);
  const bytes = [...live.values()].reduce((sum, t) => sum + tensorBytes(t), 0);
  return { label: `${node.label} (${node.op})`, bytes, live: [...live.values()] };
});
peaks.sort((a, b) => b.bytes - a.bytes);
console.log(`${model}, halves ${halves}: arena ${MB(step.intermediatesBytes)} MB`);
for (const { label, bytes } of peaks.slice(0, 12)) console.log(MB(bytes), 'MB at', label);
console.log('alive at the peak:');
for (const t of peaks[0].live.sort((a, b) => tensorBytes(b) - tensorBytes(a)))
  console.log(MB(tensorBytes(t)), t.name, t.shape.join('×'), t.dtype);
