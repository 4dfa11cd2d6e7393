import { freemem } from 'node:os';
import {
  denoise,
  preparePrompt,
  prepareSchedule,
  readUNetConfig,
  solverShape,
  toChannelsFirst,
  toChannelsLast,
  writeConditioning,
} from '@pleinair/diffusion';
import { schedulerFromConfig, type SamplingPlan } from '@pleinair/schedulers';
import {
  compileProgram,
  fromHalfArray,
  toHalfBits,
  weightBytes,
  type Device,
  type Program,
  type Weight,
} from '@pleinair/tensor';
import { readGolden, relativeRms, seededInput, testDevice } from '@pleinair/testing';
import { loadWeights, openComponent, type LoadReport } from '@pleinair/weights';
import { folderSource } from '@pleinair/weights/node';
import { afterAll, beforeAll, describe, expect, it, type TestContext } from 'vitest';
import { partGraph, type PipelineShape } from '../src/graphs.js';
import { readSdxlConfig } from '../src/model-config.js';
import { sdxlBaseFiles } from '../src/presets.js';
import { timeIds } from '../src/time-ids.js';
import {
  fullSizeFolder,
  fullSizeNames,
  removeFullSizeUNet,
  whyNoRoom,
  writeFullSizeUNet,
} from './full-size-checkpoint.js';
import { limits } from './tiny-model.js';

const golden = await readGolden(new URL('../../testing/goldens/sdxl-full-unet.safetensors', import.meta.url));
const names = await fullSizeNames();
const pixels = 128;
const latent = { width: 16, height: 16, channels: 4 };
const latentValues = 4 * 16 * 16;
const guidance = Number(golden.metadata['guidance']);
/** Host memory that loading may take beside the buffers: that of `loadWeights`, and what Dawn stages. */
const hostLimit = 128e6;

/** What tools/reference/full_size_unet.py calls `input.NAME`. */
function input(name: string, count: number): Float32Array<ArrayBuffer> {
  const bits = new Uint16Array(count);
  seededInput(`input.${name}`)(bits, 0);
  return fromHalfArray(bits);
}

async function timed<T>(what: string, work: () => Promise<T>): Promise<T> {
  const started = performance.now();
  const result = await work();
  console.log(`${what}: ${((performance.now() - started) / 1000).toFixed(1)} s`);
  return result;
}

describe("SDXL base's UNet at full size, with seeded weights, f16", () => {
  let device: Device;
  let program: Program;
  let report: LoadReport;
  let shape: PipelineShape;
  let plan: SamplingPlan;
  let steps = 0;
  /** Sums of the half-float bits uploaded, by weight: padding is zero and order does not matter. */
  const sums = new Map<Weight, number>();
  let hostBytes = 0;
  let reason: string | undefined;

  beforeAll(async () => {
    device = await testDevice();
    const { scheduler } = sdxlBaseFiles;
    plan = schedulerFromConfig({ ...scheduler, timestep_spacing: 'trailing' }, { scheduler: 'euler' }).plan(1);
    const solver = solverShape(plan);
    const sides = { width: pixels, height: pixels };
    shape = { ...sides, pictures: 1, guided: true, halves: 'together', chunks: 1, precision: 'f16', solver };
    const bytes = [...names.values()].reduce((sum, dims) => sum + 2 * dims.reduce((a, b) => a * b, 1), 0);
    // A software adapter's buffers are host memory.
    if (device.profile.isSoftware && freemem() < bytes + 2e9) {
      reason = `needs ${((bytes + 2e9) / 1e9).toFixed(1)} GB of memory, and ${(freemem() / 1e9).toFixed(1)} GB are free`;
    } else reason = await whyNoRoom(names);
    if (reason !== undefined) return;
    await timed('write', () => writeFullSizeUNet(names));

    const source = folderSource(fullSizeFolder);
    const unet = readUNetConfig((await source.readJson('unet/config.json')) as Record<string, unknown>);
    const graph = partGraph({ ...readSdxlConfig(sdxlBaseFiles), unet }, shape, 'unet');
    program = await timed('compile', () => compileProgram(graph, device));

    const component = await openComponent(source, 'unet');
    const before = process.memoryUsage.rss();
    report = await timed('load', () =>
      loadWeights(program.weights, component, {
        upload: async (weight, piece) => {
          sums.set(weight, (sums.get(weight) ?? 0) + sumOfHalves(piece.values));
          await program.uploadWeight(weight, [piece]);
        },
        onProgress: ({ loadedBytes }) => {
          hostBytes = Math.max(hostBytes, process.memoryUsage.rss() - before - loadedBytes);
        },
      }),
    );
    await program.store.flush();
    const texts = input('states', 2 * 77 * 2048);
    const pooled = input('pooled', 2 * 1280);
    const text = (row: number) => ({
      states: texts.slice(row * 77 * 2048, (row + 1) * 77 * 2048),
      pooled: pooled.slice(row * 1280, (row + 1) * 1280),
    });
    const encoded = { chunks: 1, unconditional: text(0), conditional: text(1), notes: [] };
    writeConditioning(program, shape, encoded, timeIds(pixels, pixels));
    await timed('prompt', () => preparePrompt(program, undefined));
    await timed('schedule', () => prepareSchedule(program, { ...shape, ...shape.solver }, plan));
  }, 4 * 3_600_000);

  afterAll(async () => {
    program?.dispose();
    if (reason === undefined) await removeFullSizeUNet();
  });

  const needsModel = (ctx: TestContext): void => {
    if (reason !== undefined) ctx.skip(reason);
  };

  /** The UNet's own output for one half: guidance 0 is the unconditional one, 1 the conditional, and the solver passes it on. */
  async function evaluate(half: 0 | 1): Promise<Float32Array> {
    const [evaluation] = plan.evaluations;
    const start = toChannelsLast(input('noise', latentValues), 4).map((v) => v * plan.initNoiseSigma);
    program.write('planes', start);
    program.write('step', Float32Array.of(evaluation!.inputScale, half, 0, 1, 0));
    program.write('evaluation', Uint32Array.of(0, 0));
    await timed(`step ${++steps}`, () => program.run('step'));
    return toChannelsFirst((await program.read('planes')) as Float32Array, 4);
  }

  it('streams every tensor of the checkpoint, bit for bit', (ctx) => {
    needsModel(ctx);
    expect(report.leftover).toEqual([]);
    expect(report.loadedBytes).toBe(2 * 2_567_463_684);
    const recorded = golden.tensor('half_sums').data;
    const expected = new Map([...names.keys()].map((name, i) => [name, Number(recorded[i])]));
    const wrong = [...sums].filter(([{ source }, sum]) => sum !== expected.get(source.name));
    const hint = `tensors of other bits than the golden's; delete ${fullSizeFolder} if it is an old one`;
    expect(
      wrong.map(([{ source }]) => source.name),
      hint,
    ).toEqual([]);
    expect(new Set([...sums.keys()].map(({ source }) => source.name)).size).toBe(names.size);
  });

  it('holds little on the host while streaming', (ctx) => {
    needsModel(ctx);
    console.log(`host memory beside the buffers: ${(hostBytes / 1e6).toFixed(1)} MB at most`);
    // Elsewhere the process's memory does not tell what the driver keeps for the GPU.
    if (!device.profile.isSoftware) ctx.skip('only a software adapter keeps buffers where they can be counted');
    const largest = Math.max(...program.weights.map(({ byteLength }) => byteLength)); // zeroed as it is first written to
    expect(hostBytes).toBeLessThan(hostLimit + largest);
  });

  it.for([
    ['unconditional', 0],
    ['conditional', 1],
  ] as const)('gives what diffusers gives: %s half', async ([name, half], ctx) => {
    needsModel(ctx);
    const eps = golden.floats('eps').subarray(half * latentValues, (half + 1) * latentValues);
    const error = relativeRms(await evaluate(half), eps);
    console.log(`${name} half: relative RMS error ${error.toExponential(2)}`);
    expect(error).toBeLessThan(limits.f16.part);
  });

  it('holds and runs what was planned', (ctx) => {
    needsModel(ctx);
    const { memory, plan: planned } = program;
    const dispatches = (name: string): number => planned.segments.find((s) => s.name === name)!.dispatches;
    expect(memory).toEqual({
      weightsBytes: planned.weightsBytes,
      intermediatesBytes: planned.intermediatesBytes,
      persistentBytes: planned.persistentBytes,
      pipelines: planned.pipelines,
      dispatches: dispatches('prompt') + dispatches('schedule') + steps * dispatches('step'),
    });
    const { weights, intermediates, persistent } = device.memory.current;
    console.log(
      `weights ${(weights / 1e9).toFixed(3)} GB, intermediates ${(intermediates / 1e6).toFixed(2)} MB, ` +
        `persistent ${(persistent / 1e6).toFixed(2)} MB, ${memory.pipelines} pipelines, ${dispatches('step')} dispatches a step`,
    );
    expect(weights).toBe(planned.weightsBytes);
  });

  it('gives what diffusers gives: a guided Euler step, without the weights only the prompt needs', async (ctx) => {
    needsModel(ctx);
    const inLoop = program.plan.segments.find((s) => s.name === 'step')!.weights;
    const loopBytes = inLoop.reduce((sum, weight) => sum + weightBytes(weight), 0);
    const freed = await program.keepWeightsOf('step');
    console.log(
      `weights in the loop ${(loopBytes / 1e9).toFixed(3)} GB, freed before it ${(freed / 1e9).toFixed(3)} GB`,
    );
    expect(freed).toBe(program.plan.weightsBytes - loopBytes);
    expect(device.memory.current.weights).toBe(loopBytes);
    expect(loopBytes / program.plan.weightsBytes).toBeLessThan(0.88); // facts: 340 M of 2,567 M weights
    const noise = { kind: 'torch' as const, normal: (count: number) => input('noise', count) };
    const result = await timed(`step ${++steps}`, () =>
      denoise(program, shape, { plan, noise: [noise], guidance, latent }),
    );
    const error = relativeRms(result[0]!, golden.floats('latents'));
    console.log(`guided step: relative RMS error ${error.toExponential(2)}`);
    expect(error).toBeLessThan(limits.f16.part);
  });
});

function sumOfHalves(values: Uint16Array | Float32Array | Uint32Array): number {
  let sum = 0;
  if (values instanceof Uint16Array) for (let i = 0; i < values.length; i++) sum += values[i]!;
  else for (let i = 0; i < values.length; i++) sum += toHalfBits(values[i]!);
  return sum;
}
