import {
  planProgram,
  type DeviceProfile,
  type Dispatch,
  type Graph,
  type GraphNode,
  type LoweredNode,
  type PickVariant,
  type PlanOptions,
  type ProgramPlan,
} from '@pleinair/tensor';
import { hashText } from '../shader/hash-text.js';
import { kernelsOf } from './kernels-of.js';

/** A graph to be tuned. */
export interface TuningWork {
  /** Which part of a model it is, for people. */
  readonly part: string;
  readonly graph: Graph;
  /** The graph's plan for the adapter without a tuner, by the options it is to be tuned with, where that was made already. */
  readonly plan?: ProgramPlan;
  /** Plans the graph by a tuner's choices, as the run will: what is stored is checked on that plan. */
  readonly planWith?: (pick: PickVariant) => ProgramPlan;
  /** How often a segment runs for one picture. */
  readonly runs: (segment: string) => number;
}

/** A shape that can be done in several ways, and all that the tuner needs to know of it. */
export interface TuningSubject {
  /** The key nodes ask `pick` with. */
  readonly shape: string;
  readonly op: string;
  readonly part: string;
  /** A node of this shape: the kind that most of the shape's work is done by. */
  readonly node: GraphNode;
  /** True when its output takes over an input's storage, as its kernels' texts depend on that. */
  readonly inPlace: boolean;
  /** Bytes of scratch it may take where it stands. */
  readonly room: number;
  /** The variants worth timing on the adapter, as the node names them; at least two. */
  readonly names: readonly string[];
  /** Hash of those names and of the kernels that are dispatched without a tuner: known from planning alone. */
  readonly basis: string;
  /** Nodes of this shape in all graphs. */
  readonly count: number;
  /** Times such a node runs for one picture, all nodes together. */
  readonly runs: number;
  /** Expected milliseconds of those runs by the heuristic's variant. */
  readonly expectedMs: number;
  /** Work of one run by the direct algorithm; a multiply-add is 2. */
  readonly flops: number;
}

/** What {@link collectSubjects} goes by. */
export interface CollectOptions {
  readonly profile: DeviceProfile;
  /** Expected milliseconds of a dispatch. */
  readonly expectedMs: (dispatch: Dispatch) => number;
  /** Options of the plans that will be made. Shapes that their `pick` decides are not the tuner's. */
  readonly plan?: PlanOptions;
}

/**
 * The distinct shapes in graphs that can be done in several ways on an adapter, as they stand in the plan that is made
 * without a tuner. Pure: the same graphs give the same subjects.
 */
export function collectSubjects(works: readonly TuningWork[], options: CollectOptions): TuningSubject[] {
  const shapes = new Map<string, Map<string, Form>>();
  for (const work of works) {
    const plan = work.plan ?? planProgram(work.graph, options.profile, options.plan);
    for (const { node, segment } of plan.segments.flatMap(({ name, nodes }) =>
      nodes.map((lowered) => ({ node: lowered, segment: name })),
    )) {
      const runs = work.runs(segment);
      for (const [shape, { variants, worthTiming }] of node.choices) {
        if (options.plan?.pick?.(shape, variants) !== undefined) continue;
        const forms = shapes.get(shape) ?? new Map<string, Form>();
        shapes.set(shape, forms);
        const key = formKey(node, worthTiming);
        const form = forms.get(key) ?? { part: work.part, node, names: worthTiming, count: 0, runs: 0, expectedMs: 0 };
        forms.set(key, form);
        form.count++;
        form.runs += runs;
        form.expectedMs += runs * node.dispatches.reduce((sum, d) => sum + options.expectedMs(d), 0);
      }
    }
  }
  return [...shapes].flatMap(([shape, forms]) => subjectOf(shape, [...forms.values()]) ?? []);
}

/** Nodes of one shape that also agree in what they dispatch: with or without a residual, with more or less room. */
interface Form {
  readonly part: string;
  readonly node: LoweredNode;
  readonly names: readonly string[];
  count: number;
  runs: number;
  expectedMs: number;
}

function formKey({ dispatches, inPlace, room }: LoweredNode, names: readonly string[]): string {
  return JSON.stringify([inPlace, room ?? 0, names, kernelsOf(dispatches)]);
}

function subjectOf(shape: string, forms: readonly Form[]): TuningSubject | undefined {
  const sum = (of: (form: Form) => number): number => forms.reduce((total, form) => total + of(form), 0);
  const main = forms.reduce((a, b) => (b.expectedMs > a.expectedMs ? b : a));
  const { node, inPlace, room = 0, dispatches } = main.node;
  if (dispatches.length === 0 || main.names.length < 2) return undefined;
  return {
    shape,
    op: node.op,
    part: main.part,
    node,
    inPlace,
    room,
    names: main.names,
    basis: hashText(JSON.stringify([main.names, kernelsOf(dispatches)])),
    count: sum((form) => form.count),
    runs: sum((form) => form.runs),
    expectedMs: sum((form) => form.expectedMs),
    flops: dispatches.reduce((total, { flops }) => total + flops, 0),
  };
}
