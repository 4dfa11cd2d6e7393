import {
  planProgram,
  type DeviceProfile,
  type Graph,
  type PickVariant,
  type PlanOptions,
  type ProgramPlan,
} from '@pleinair/tensor';
import { partShape, type PartSpec } from './part-spec.js';
import type { PartRecorder, PipelineShape } from './pipeline-shape.js';

/** A part of a pipeline for a shape: recorded, or planned already. */
export type PartForm<Name extends string = string> = (shape: PipelineShape, part: Name) => Graph | ProgramPlan;

/** Plans kept at once: two shapes of a pipeline of five parts, each with and without a tuner's choices. */
const mostPlans = 20;

/** What a part is planned with beside the options of all plans. */
export interface PartPlanOptions {
  /** A tuner's choices. Where they change nothing of the part, its plan is the one without. */
  readonly pick?: PickVariant;
  /** Whether weights may be laid out larger than they are, which is faster. @defaultValue the options' of all plans */
  readonly transformedWeights?: boolean;
}

/**
 * The plans of a pipeline's parts, each made once: what checks that a shape fits, what chooses how to decode, the tuner and
 * the run all look at the same. The plans used last are kept.
 */
export class PartPlans<Name extends string = string> {
  /** The one used longest ago first. */
  private readonly plans = new Map<string, ProgramPlan>();
  private readonly picks = new WeakMap<PickVariant, number>();
  private pickCount = 0;

  private readonly specs: ReadonlyMap<Name, PartSpec<Name>>;

  /**
   * @param parts - Of the pipeline.
   * @param record - Records a part; nothing that it looks at beside the shape may change.
   * @param options - Of every plan; its `pick` comes before a tuner's.
   */
  constructor(
    parts: readonly PartSpec<Name>[],
    private readonly record: PartRecorder<Name>,
    private readonly profile: DeviceProfile,
    private readonly options: PlanOptions = {},
  ) {
    this.specs = new Map(parts.map((part) => [part.name, part]));
  }

  /**
   * The plan of a part for a shape: the same object each time, and for all shapes that make no difference to the part.
   *
   * @throws ShapeError `shape/size`; DeviceError `device/limit` where the adapter cannot hold it.
   */
  plan(shape: PipelineShape, part: Name, how: PartPlanOptions = {}): ProgramPlan {
    const { kind } = this.specs.get(part)!;
    const { transformedWeights = this.options.transformedWeights ?? false, pick } = how;
    const options = { ...this.options, transformedWeights };
    const key = JSON.stringify([part, partShape(kind, shape), transformedWeights]);
    const untuned = this.kept(key, () => planProgram(this.record(shape, part), this.profile, options));
    if (!pick || !this.isChangedBy(pick, untuned)) return untuned;
    return this.kept(`${key} ${this.idOf(pick)}`, () => planProgram(untuned.graph, this.profile, { ...options, pick }));
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
