import type { Device, PlanOptions, ProgramPlan } from '@pleinair/tensor';
import type { ModelSource } from '@pleinair/weights';
import { PipelineAdapters, type AdapterOptions } from '../adapters/pipeline-adapters.js';
import type { MemoryPolicy } from '../parts/memory-policy.js';
import { readPartPalettes } from '../parts/part-palettes.js';
import { PartPlans, type PartPlanOptions } from '../parts/part-plans.js';
import type { PartKind } from '../parts/part-spec.js';
import { Part } from '../parts/part.js';
import type { PipelineShape } from '../parts/pipeline-shape.js';
import type { LatentModel } from './latent-model.js';

/** The parts of an opened model on a device, and their plans. */
export class PipelineParts {
  private constructor(
    private readonly parts: ReadonlyMap<string, Part>,
    private readonly plans: PartPlans,
    readonly adapters: PipelineAdapters,
  ) {}

  /**
   * Opens the parts' files: headers only.
   *
   * @param options - Of every plan.
   * @throws What `openComponent` throws; `PaletteError`.
   */
  static async open(
    model: LatentModel,
    source: ModelSource,
    device: Device,
    how: {
      readonly prefer: 'fp16' | 'full';
      readonly options?: PlanOptions;
      readonly signal?: AbortSignal;
      readonly adapters?: AdapterOptions;
    },
  ): Promise<PipelineParts> {
    const { prefer, options, signal, adapters: files = {} } = how;
    const parts = model.parts.map((spec) => new Part(spec, device, { source, prefer }));
    const palettesOf = await readPartPalettes(parts, signal);
    const adapters = await openAdapters(model, parts, files, signal);
    for (const part of parts) {
      const own = adapters.of(part.name);
      if (own) part.adapt(own);
    }
    const injects = adapters.embeddings.size > 0;
    const record = (shape: PipelineShape, name: string) =>
      model.record(shape, name, palettesOf(name), { lowRank: adapters.of(name)?.lowRank, injects });
    return new PipelineParts(
      new Map(parts.map((part) => [part.name, part])),
      new PartPlans(model.parts, record, device.profile, options),
      adapters,
    );
  }

  /**
   * Sets scales of LoRAs; parts that they change load those weights again when next used.
   *
   * @throws AdapterError `lora/scale`.
   */
  async setLoraScales(scales: Readonly<Record<string, number>>): Promise<void> {
    for (const name of this.adapters.setScales(scales)) await this.named(name).rescaled();
  }

  get all(): readonly Part[] {
    return [...this.parts.values()];
  }

  /** A part by its name. */
  named(name: string): Part {
    return this.parts.get(name)!;
  }

  /** The one part of a kind; text encoders are asked for by name. */
  only(kind: Exclude<PartKind, 'text-encoder'>): Part {
    return this.all.find((part) => part.kind === kind)!;
  }

  /** A part's plan for a shape: the same object each time. */
  plan(shape: PipelineShape, name: string, how?: PartPlanOptions): ProgramPlan {
    return this.plans.plan(shape, name, how);
  }

  /** Gives back what a policy does not keep, of parts that another policy kept. */
  keepOnly(policy: MemoryPolicy): void {
    for (const part of this.all) if (!policy.keeps(part.kind)) part.dispose();
  }

  /** Lets go of compiled programs, so that the next run compiles anew; weights stay. */
  forget(): void {
    for (const part of this.all) part.forget();
  }

  /** Frees everything on the GPU. */
  dispose(): void {
    for (const part of this.all) part.dispose();
  }
}

async function openAdapters(
  model: LatentModel,
  parts: readonly Part[],
  files: AdapterOptions,
  signal: AbortSignal | undefined,
): Promise<PipelineAdapters> {
  // No LoRA changes the VAE.
  const changed = parts.filter(({ kind }) => kind === 'text-encoder' || kind === 'denoiser');
  const components = await Promise.all(changed.map(async (part) => [part.name, await part.open(signal)] as const));
  return PipelineAdapters.open(new Map(components), model.texts, files, signal);
}
