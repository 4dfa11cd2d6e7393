import {
  planProgram,
  type DeviceProfile,
  type Graph,
  type PickVariant,
  type PlanOptions,
  type ProgramPlan,
} from '@pleinair/tensor';
import type { PartRecorder, PipelineShape } from './pipeline-shape.js';

/** A part of a pipeline for a shape: recorded, or planned already. */
export type PartForm<Name extends string = string> = (shape: PipelineShape, part: Name) => Graph | ProgramPlan;

/** Plans kept at once: two shapes of a pipeline of four parts, each with and without a tuner's choices. */
const mostPlans = 16;

/**
 * The plans of a pipeline's parts, each made once: what checks that a shape fits, what chooses how to decode, the tuner and
 * the run all look at the same. The plans used last are kept.
 */
export class PartPlans<Name extends string = string> {
  /** The one used longest ago first. */
  private readonly plans = new Map<string, ProgramPlan>();
  private readonly picks = new WeakMap<PickVariant, number>();
  private pickCount = 0;

  /**
   * @param record - Records a part; nothing that it looks at beside the shape may change.
   * @param options - Of every plan; its `pick` comes before a tuner's.
   */
  constructor(
    private readonly record: PartRecorder<Name>,
    private readonly profile: DeviceProfile,
    private readonly options: PlanOptions = {},
  ) {}

  /**
   * The plan of a part for a shape: the same object each time, and for all shapes that make no difference to the part.
   *
   * @param pick - A tuner's choices. Where they change nothing of the part, its plan is the one without.
   * @throws ShapeError `shape/size`; DeviceError `device/limit` where the adapter cannot hold it.
   */
  plan(shape: PipelineShape, part: Name, pick?: PickVariant): ProgramPlan {
    const key = JSON.stringify([part, partShape(shape, part)]);
    const untuned = this.kept(key, () => planProgram(this.record(shape, part), this.profile, this.options));
    if (!pick || !this.isChangedBy(pick, untuned)) return untuned;
    return this.kept(`${key} ${this.idOf(pick)}`, () =>
      planProgram(untuned.graph, this.profile, { ...this.options, pick }),
    );
  }

  private kept(key: string, make: () => ProgramPlan): ProgramPlan {
    const plan = this.plans.get(key) ?? make();
    this.plans.delete(key);
    this.plans.set(key, plan);
    for (const oldest of this.plans.keys()) {
      if (this.plans.size <= mostPlans) break;
      this.plans.delete(oldest);
    }
    return plan;
  }

  /** Whether a tuner decides anything in a plan that nobody else has decided. What it never asks, it asks under no pick. */
  private isChangedBy(pick: PickVariant, { segments }: ProgramPlan): boolean {
    const fixed = this.options.pick;
    return segments.some(({ nodes }) =>
      nodes.some(({ choices }) =>
        [...choices].some(
          ([shape, { variants }]) => fixed?.(shape, variants) === undefined && pick(shape, variants) !== undefined,
        ),
      ),
    );
  }

  private idOf(pick: PickVariant): number {
    const id = this.picks.get(pick) ?? ++this.pickCount;
    this.picks.set(pick, id);
    return id;
  }
}

/** What of a shape a part depends on: text encoders take one chunk of one prompt at a time, whatever the picture. */
function partShape(shape: PipelineShape, part: string): Partial<PipelineShape> {
  const { width, height, precision, vae = 'exact', ...rest } = shape;
  if (part.startsWith('text_encoder')) return { precision };
  if (part.startsWith('vae_')) return { width, height, precision, vae };
  return { width, height, precision, ...rest };
}
