import type { PaletteBits } from '@pleinair/tensor';
import type { StoredPaletteForm } from '@pleinair/weights';
/**
 * Palettizes a synthetic SDXL base UNet of full size, or every n-th of its tensors, from a source that makes bytes up as
 * they are read, to a file. Prints what it took. A process of its own, so that its peak memory is its own.
 *
 * node full-size-run.js NAMES_JSON OUT BITS GROUP WORKERS EVERY
 */
import { readFile } from 'node:fs/promises';
import { toHalfBits } from '@pleinair/tensor';
import { createSource, openComponent, type ModelSource } from '@pleinair/weights';
import { writeSafetensors } from '@pleinair/weights/node';
import { averageBits, candidatesOf, fitPalettes, palettizedPart } from '../src/index.js';
import { nodeWorkerSolver } from '../src/node.js';

/** Half floats that repeat in the source; no multiple of any tensor's size. */
const period = 8_388_593;

async function main([namesPath, out, bits, group, workers, every]: string[]): Promise<void> {
  const names = JSON.parse(await readFile(namesPath!, 'utf8')) as { unet: Record<string, number[]> };
  const shapes = Object.entries(names.unet).filter(([, shape], i) => shape.length > 1 && i % Number(every) === 0);
  const component = await openComponent(syntheticSource(shapes), '');
  const candidates = candidatesOf(component.entries.values());
  const forms = new Map<string, StoredPaletteForm>(
    candidates.map(({ tensor, shape }) => [tensor, { shape, bits: Number(bits) as PaletteBits, group: Number(group) }]),
  );
  const solver = nodeWorkerSolver({ workers: Number(workers) });
  const start = performance.now();
  const fitted = await fitPalettes(component, forms, { solver });
  const fitSeconds = (performance.now() - start) / 1000;
  const { tensors, metadata } = palettizedPart(component, fitted);
  await writeSafetensors(out!, tensors, { metadata });
  const seconds = (performance.now() - start) / 1000;
  await solver.close();
  console.log(
    JSON.stringify({
      tensors: candidates.length,
      weights: candidates.reduce((sum, candidate) => sum + candidate.weights, 0),
      averageBits: averageBits(candidates, () => Number(bits) as PaletteBits, Number(group)),
      fitSeconds,
      seconds,
      cpuSeconds: (process.resourceUsage().userCPUTime + process.resourceUsage().systemCPUTime) / 1e6,
      peakBytes: process.resourceUsage().maxRSS * 1024,
    }),
  );
}

/** A safetensors file of normal weights that is nowhere. */
function syntheticSource(shapes: readonly (readonly [string, readonly number[]])[]): ModelSource {
  const header: Record<string, unknown> = {};
  let end = 0;
  for (const [name, shape] of shapes) {
    const bytes = 2 * shape.reduce((a, b) => a * b, 1);
    header[name] = { dtype: 'F16', shape, data_offsets: [end, (end += bytes)] };
  }
  const json = Buffer.from(JSON.stringify(header));
  const start = Buffer.alloc(8 + Math.ceil(json.length / 8) * 8, ' ');
  start.writeBigUInt64LE(BigInt(start.length - 8));
  json.copy(start, 8);
  const pattern = new Uint8Array(normalHalves().buffer);
  return createSource({
    describe: () => 'nowhere',
    size: (path) => Promise.resolve(path === 'model.safetensors' ? start.length + end : undefined),
    readInto(_path, from, target) {
      for (let got = 0; got < target.length;) {
        const at = from + got;
        const inPattern = (at - start.length) % pattern.length;
        const piece =
          at < start.length ? start.subarray(at) : pattern.subarray(inPattern, inPattern + target.length - got);
        target.set(piece.subarray(0, target.length - got), got);
        got += Math.min(piece.length, target.length - got);
      }
      return Promise.resolve(target.length);
    },
  });
}

/** Box-Muller, deviation 0.02. */
function normalHalves(): Uint16Array<ArrayBuffer> {
  const halves = new Uint16Array(period);
  let seed = 1;
  const uniform = () => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return (seed + 0.5) / 2 ** 32;
  };
  for (let i = 0; i < period; i++) {
    halves[i] = toHalfBits(0.02 * Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform()));
  }
  return halves;
}

await main(process.argv.slice(2));
