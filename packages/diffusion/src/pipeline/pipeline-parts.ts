import type { Device, PlanOptions, ProgramPlan } from '@pleinair/tensor';
import type { ModelSource } from '@pleinair/weights';
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
    how: { readonly prefer: 'fp16' | 'full'; readonly options?: PlanOptions; readonly signal?: AbortSignal },
  ): Promise<PipelineParts> {
    const { prefer, options, signal } = how;
    const parts = model.parts.map((spec) => new Part(spec, device, { source, prefer }));
    const palettesOf = await readPartPalettes(parts, signal);
    const record = (shape: PipelineShape, name: string) => model.record(shape, name, palettesOf(name));
    return new PipelineParts(
      new Map(parts.map((part) => [part.name, part])),
      new PartPlans(model.parts, record, device.profile, options),
    );
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
