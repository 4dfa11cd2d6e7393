import { defaultProfile, Graph, planProgram, WeightScope, type LowerContext, type PickVariant } from '@pleinair/tensor';
import { describe, expect, it } from 'vitest';
import { linear, linearWeight } from '../matmul/linear.js';
import { currentHash } from './choices.js';
import { recordKey, type TuningRecord } from './record.js';
import { storedRecords } from './stored-records.js';
import { collectSubjects, type TuningSubject, type TuningWork } from './subject.js';

const context = { profile: defaultProfile };

/** Two shapes, one of them twice. */
function layers(): Graph {
  const g = new Graph('layers', { dtype: 'f16' });
  const scope = new WeightScope(g);
  g.segment('step');
  const x = linear(g, g.input('x', [1, 256, 128]), linearWeight(scope.in('a'), 128, 128), { label: 'a' });
  const y = linear(g, x, linearWeight(scope.in('b'), 128, 128), { label: 'b' });
  g.output('out', linear(g, y, linearWeight(scope.in('c'), 64, 128), { label: 'c' }));
  return g;
}

function setUp() {
  const graph = layers();
  const plan = planProgram(graph, defaultProfile);
  const work: TuningWork = { part: 'part', graph, plan, runs: () => 1 };
  const subjects = collectSubjects([work], { ...context, expectedMs: () => 1 });
  const winner = 'tiled128x128';
  const record = ({ shape, basis }: TuningSubject, hash: string): TuningRecord => ({
    shape,
    basis,
    heuristic: 'tiled32x32',
    winner,
    kernels: { [winner]: hash },
    times: {},
    extent: 'all',
    at: 1,
  });
  const [square, narrow] = subjects as [TuningSubject, TuningSubject];
  return { graph, work, subjects, winner, record, square, narrow };
}

/** Labels of nodes as they are lowered from now on. */
function watched(graph: Graph): string[] {
  const seen: string[] = [];
  for (const node of graph.segments.flatMap(({ nodes }) => nodes)) {
    const lower = node.lower.bind(node);
    Object.assign(node, { lower: (by: LowerContext) => (seen.push(node.label), lower(by)) });
  }
  return seen;
}

describe('what a store knows of shapes', () => {
  it('is checked on the plan by its winners, and nothing is lowered but for that plan', () => {
    const { graph, work, subjects, winner, record, square } = setUp();
    const known = record(square, currentHash(square, winner, context));
    const records = new Map([[recordKey(known), known]]);
    let asked: PickVariant | undefined;
    const seen = watched(graph);
    const planWith = (pick: PickVariant) => {
      asked = pick;
      return planProgram(graph, defaultProfile, { pick });
    };
    const { stored, pick, planningMs } = storedRecords(subjects, [{ ...work, planWith }], records, context);
    expect([...stored]).toEqual([[square, known]]);
    expect(pick).toBe(asked);
    expect(pick(square.shape, square.names)).toBe(winner);
    expect(planningMs).toBeGreaterThan(0);
    const once = seen.length;
    planProgram(graph, defaultProfile, { pick });
    expect(seen.length).toBe(2 * once);
    // The same without such a plan, by lowering the node alone.
    expect([...storedRecords(subjects, [work], records, context).stored]).toEqual([[square, known]]);
  });

  it('leaves out winners whose kernels have changed, and keeps the others', () => {
    const { graph, work, subjects, winner, record, square, narrow } = setUp();
    const stale = record(square, 'of another version');
    const known = record(narrow, currentHash(narrow, winner, context));
    const records = new Map([stale, known].map((one) => [recordKey(one), one]));
    const planWith = (pick: PickVariant) => planProgram(graph, defaultProfile, { pick });
    for (const works of [[{ ...work, planWith }], [work]]) {
      const { stored, pick } = storedRecords(subjects, works, records, context);
      expect([...stored]).toEqual([[narrow, known]]);
      expect(pick(square.shape, square.names)).toBeUndefined();
      expect(pick(narrow.shape, narrow.names)).toBe(winner);
    }
  });

  it('comes after what the caller has fixed', () => {
    const { work, subjects, winner, record, square } = setUp();
    const known = record(square, currentHash(square, winner, context));
    const fixed: PickVariant = (shape) => (shape === square.shape ? 'tiled64x64' : undefined);
    const { pick } = storedRecords(subjects, [work], new Map([[recordKey(known), known]]), {
      ...context,
      plan: { pick: fixed },
    });
    expect(pick(square.shape, square.names)).toBe('tiled64x64');
  });
});
