/**
 * How large the UNets' intermediates come out under the two ways of sharing memory: an arena with offsets against a pool
 * of whole buffers. Exact figures from the plan; no GPU needed.
 *
 *     npm run build && node bench/memory-planning.mjs
 */
import { denoiserGraph, readUNetConfig } from '@pleinair/diffusion';
import { sdxlBaseFiles } from '@pleinair/sdxl';
import { sd15Unet } from './configs.mjs';
import { comparePlacements, defaultProfile, planProgram } from '@pleinair/tensor';

const shared = { pictures: 1, tokens: 77, guided: true, slots: 0, drawsNoise: false, dtype: 'f16' };
for (const [name, json, size] of [
  ['SD 1.5 512²', sd15Unet, 64],
  ['SDXL 1024²', sdxlBaseFiles.unet, 128],
]) {
  const graph = denoiserGraph(readUNetConfig(json), { ...shared, width: size, height: size });
  const started = performance.now();
  const plan = planProgram(graph, defaultProfile);
  const ms = Math.round(performance.now() - started);
  console.log(name, `planned in ${ms} ms`, comparePlacements(plan));
}
