import { fileURLToPath } from 'node:url';
import {
  addedEmbedding,
  memoryPolicy,
  Part,
  PipelineAdapters,
  readUNetConfig,
  TimeProjections,
  unet,
  type AdapterOptions,
  type LoraFile,
} from '@pleinair/diffusion';
import {
  Graph,
  planProgram,
  WeightScope,
  type LowRankLookup,
  type PaletteLookup,
  type Program,
} from '@pleinair/tensor';
import { readGolden, relativeRms, testDevice } from '@pleinair/testing';
import { pooledPosition, readTextEncoderConfig, textEncoderGraph } from '@pleinair/text';
import { componentPalettes, openComponent, type Component, type ModelSource } from '@pleinair/weights';
import { folderSource } from '@pleinair/weights/node';
import { expect } from 'vitest';
import { channelsLast, tinyGoldens, tinySource } from './tiny-model.js';

// Files of every key form hold the same factors (packages/weights/src/lora/lora.test.ts); here two of them are run.
const folder = fileURLToPath(new URL('../../testing/goldens/tiny-sdxl-lora', import.meta.url));
/** One of the LoRA files of tools/reference/lora.py. */
export const loraFile = (form: string, scale: number): LoraFile => ({
  source: folderSource(folder),
  path: `${form}.safetensors`,
  scale,
});
const base = await tinyGoldens();
const goldens = await readGolden(`${folder}/goldens.safetensors`);

/** The parts that LoRAs change. */
export type PartName = 'text_encoder' | 'text_encoder_2' | 'unet';
/** Their names. */
export const names: readonly PartName[] = ['text_encoder', 'text_encoder_2', 'unet'];
type Json = Record<string, unknown>;

interface Recorded {
  readonly palettes?: PaletteLookup;
  readonly lowRank?: LowRankLookup;
}

async function recorded(part: PartName, dtype: 'f16' | 'f32', how: Recorded): Promise<Graph> {
  const json = (await tinySource().readJson(`${part}/config.json`)) as Json;
  if (part !== 'unet') {
    const pooled = part === 'text_encoder_2';
    return textEncoderGraph(readTextEncoderConfig(json), { batch: 2, skipLayers: 1, pooled, dtype, ...how });
  }
  const config = readUNetConfig(json);
  const [batch, channels, height, width] = base.tensor('unet.odd.sample').shape as [number, number, number, number];
  const g = new Graph('unet', { dtype, ...how });
  const scope = new WeightScope(g);
  for (const segment of ['prompt', 'schedule', 'step']) g.segment(segment);
  const states = g.input('states', [batch, 77, 32]);
  const pooled = g.input('pooled', [batch, 14], 'f32');
  const timeIds = g.input('time_ids', [batch, 6], 'f32');
  const timesteps = g.input('timesteps', [batch, 1], 'f32');
  const evaluation = g.input('evaluation', [batch], 'u32');
  const sample = g.input('sample', [batch, height, width, channels]);
  const added = g.within('prompt', () => addedEmbedding(g, scope, config, pooled, timeIds));
  const inputs = { timesteps, evaluation, batch, evaluations: 1, added, segment: 'schedule', suffix: '' };
  const time = new TimeProjections(g, scope, config, inputs);
  g.output('out', unet(g, scope, config, { sample, time, context: { states, segment: 'prompt', suffix: '' } }));
  return g;
}

function write(program: Program, part: PartName, ids: Uint32Array<ArrayBuffer>, config: Json): void {
  const floats = (name: string) => base.floats(name) as Float32Array<ArrayBuffer>;
  if (part === 'unet') {
    const { shape, data } = base.tensor('unet.odd.sample');
    program.write('states', floats('unet.embeds'));
    program.write('pooled', floats('unet.pooled'));
    program.write('time_ids', floats('unet.time_ids'));
    const [timestep] = floats('unet.odd.timestep');
    program.write('timesteps', new Float32Array(shape[0]!).fill(timestep!));
    program.write('evaluation', new Uint32Array(shape[0]!));
    program.write('sample', channelsLast(data as Float32Array, shape));
    return;
  }
  program.write('input_ids', ids);
  if (part !== 'text_encoder_2') return;
  const parsed = readTextEncoderConfig(config);
  const ends = [0, 77].map((at) => pooledPosition(parsed, ids.subarray(at, at + 77)));
  program.write('pooled_positions', Uint32Array.from(ends));
}

/** The parts of a tiny model with LoRAs, to be run as often as scales change. */
export class Adapted {
  private constructor(
    private readonly parts: ReadonlyMap<PartName, Part>,
    readonly adapters: PipelineAdapters,
    private readonly dtype: 'f16' | 'f32',
    private readonly components: ReadonlyMap<PartName, Component>,
  ) {}

  static async open(source: ModelSource, dtype: 'f16' | 'f32', options: AdapterOptions): Promise<Adapted> {
    const device = await testDevice();
    const components = new Map<PartName, Component>();
    for (const part of names) components.set(part, await openComponent(source, part, { prefer: 'full' }));
    const adapters = await PipelineAdapters.open(components, [], options);
    const parts = new Map(
      names.map((name) => {
        const spec = { name, kind: name === 'unet' ? ('denoiser' as const) : ('text-encoder' as const), folder: name };
        const part = new Part(spec, device, { source, prefer: 'full' });
        const own = adapters.of(name);
        if (own) part.adapt(own);
        return [name, part] as const;
      }),
    );
    return new Adapted(parts, adapters, dtype, components);
  }

  private readonly plans = new Map<PartName, ReturnType<typeof planProgram>>();

  /** Everything a part says, by the names of the goldens. */
  async run(name: PartName): Promise<Map<string, Float32Array>> {
    const device = await testDevice();
    const own = { palettes: componentPalettes(this.components.get(name)!), lowRank: this.adapters.of(name)?.lowRank };
    const plan = this.plans.get(name) ?? planProgram(await recorded(name, this.dtype, own), device.profile);
    this.plans.set(name, plan);
    const part = this.parts.get(name)!;
    const config = (await tinySource().readJson(`${name}/config.json`)) as Json;
    const ids = Uint32Array.from(base.tensor('input_ids').data as Int32Array);
    const use = { policy: memoryPolicy('resident') };
    return part.use(plan, use, async (program) => {
      for (const segment of name === 'unet' ? ['prompt', 'schedule', 'step'] : ['encode']) {
        await part.ready(program, segment, use);
        if (segment === 'prompt' || segment === 'encode') write(program, name, ids, config);
        await program.run(segment);
      }
      const outputs: readonly (readonly [string, string])[] =
        name === 'unet'
          ? [['out', 'out']]
          : [['hidden_states', 'hidden'], ...(name === 'text_encoder_2' ? [['text_embeds', 'pooled'] as const] : [])];
      const said = new Map<string, Float32Array>();
      for (const [output, golden] of outputs)
        said.set(`${name}.${golden}`, (await program.read(output)) as Float32Array);
      expect(program.memory.weightsBytes).toBe(program.plan.weightsBytes);
      return said;
    });
  }

  async rescale(scales: Readonly<Record<string, number>>): Promise<readonly string[]> {
    const changed = this.adapters.setScales(scales);
    for (const name of changed) await this.parts.get(name as PartName)!.rescaled();
    return changed;
  }

  dispose(): void {
    for (const part of this.parts.values()) part.dispose();
  }
}

/** Holds what parts said to what diffusers said. */
export function expectGoldens(said: ReadonlyMap<string, Float32Array>, prefix: string, limit: number): void {
  for (const [name, values] of said) {
    const { shape, data } = goldens.tensor(`${prefix}.${name}`);
    const expected = name === 'unet.out' ? channelsLast(data as Float32Array, shape) : (data as Float32Array);
    expect(relativeRms(values, expected), `${prefix}.${name}`).toBeLessThan(limit);
  }
}

/**
 * Holds palettized parts with side branches to the parts of decoded weights with the same LoRA merged, at several scales. That
 * merging gives what diffusers gives is held beside this, on weights as diffusers has them.
 */
export async function expectTwins(
  twins: { readonly palettized: ModelSource; readonly decoded: ModelSource },
  parts: readonly PartName[],
  limit: number,
): Promise<void> {
  const loras = [{ ...loraFile('peft', 0.7), name: 'lora' }];
  const packed = await Adapted.open(twins.palettized, 'f16', { loras });
  const plain = await Adapted.open(twins.decoded, 'f32', { loras });
  const before = new Map<string, Float32Array>();
  for (const scale of [0.7, 1, -0.6, 0]) {
    for (const twin of [packed, plain]) await twin.rescale({ lora: scale });
    for (const name of parts) {
      const expected = await plain.run(name);
      for (const [what, values] of await packed.run(name)) {
        expect(relativeRms(values, expected.get(what)!), `${what} at ${scale}`).toBeLessThan(limit);
        // A scale that is not heard would be the same in both.
        const last = before.get(what);
        if (last) expect(relativeRms(values, last), `${what}: ${scale} beside the scale before`).toBeGreaterThan(limit);
        before.set(what, values);
      }
    }
  }
  packed.dispose();
  plain.dispose();
}
