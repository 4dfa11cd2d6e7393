import { describe, expect, it } from 'vitest';
import { defaultProfile, Graph, planProgram, type Tensor } from './index.js';

const bytes = 4096 * 4;

/** A node over tensors that dispatches nothing. */
function node(g: Graph, label: string, inputs: readonly Tensor[], outputs: readonly Tensor[], inPlace?: Tensor): void {
  g.add({ op: 'probe', label, inputs, weights: [], outputs, inPlace, lower: () => [] });
}
const big = (g: Graph, name: string, times = 1): Tensor => g.tensor(name, [4096 * times], 'f32');

describe('tensors held in the arena between segments', () => {
  it('count once in the arena, not as persistent, and lie at one place', () => {
    const g = new Graph('held', { dtype: 'f32' });
    g.segment('make');
    const x = g.input('x', [4], 'f32');
    const first = big(g, 'first', 3);
    node(g, 'a', [x], [first]);
    const kept = g.hold(big(g, 'kept'));
    node(g, 'b', [first], [kept]);
    g.segment('use');
    const work = big(g, 'work', 2);
    node(g, 'c', [kept], [work]);
    const y = g.tensor('y', [4], 'f32');
    node(g, 'd', [work, kept], [y]);
    g.output('y', y);
    const plan = planProgram(g, defaultProfile);
    expect(plan.intermediatesBytes).toBe(4 * bytes);
    expect(plan.persistent).not.toContain(kept);
    expect(new Set(plan.segments.map(({ offsets }) => offsets.get(kept)))).toEqual(new Set([0]));
    // Beside it, never over it.
    expect(plan.segments[1]!.offsets.get(work)).toBe(bytes);
  });

  it('may take over what dies, which then lies where they do', () => {
    const g = new Graph('held', { dtype: 'f32' });
    g.segment('make');
    const source = big(g, 'source');
    node(g, 'a', [g.input('x', [4], 'f32')], [source]);
    const kept = g.hold(big(g, 'kept'));
    node(g, 'b', [source], [kept], source);
    g.segment('use');
    const y = g.tensor('y', [4], 'f32');
    node(g, 'c', [kept], [y]);
    g.output('y', y);
    const plan = planProgram(g, defaultProfile);
    expect(plan.intermediatesBytes).toBe(bytes);
    expect(plan.segments[0]!.nodes[1]!.inPlace).toBe(true);
  });

  it('are held through all segments that run in turns with one that uses them, from before their first write', () => {
    const record = (inTurns: boolean): Graph => {
      const g = new Graph('held', { dtype: 'f32' });
      g.segment('ask');
      const [x, y] = [g.input('x', [4], 'f32'), g.state('y', [4], 'f32')];
      const work = big(g, 'work');
      node(g, 'a', [x], [work]);
      node(g, 'b', [work], [y]);
      g.segment('answer');
      const before = big(g, 'before');
      node(g, 'c', [y], [before]);
      const kept = g.hold(big(g, 'kept'));
      node(g, 'd', [before], [kept]);
      g.segment('use');
      node(g, 'e', [kept], [y]);
      if (inTurns) g.inTurns('ask', 'answer');
      return g;
    };
    const [once, turns] = [record(false), record(true)].map((graph) => planProgram(graph, defaultProfile));
    expect(once!.segments.map(({ intermediatesBytes }) => intermediatesBytes)).toEqual([bytes, 2 * bytes, bytes]);
    // What "answer" kept before lies there while "ask" runs again.
    expect(turns!.segments.map(({ intermediatesBytes }) => intermediatesBytes)).toEqual([2 * bytes, 2 * bytes, bytes]);
    const [kept] = turns!.graph.held;
    expect(turns!.segments.map(({ offsets }) => offsets.get(kept!))).toEqual([0, 0, 0]);
    expect(turns!.graph.loadedWith('ask')).toEqual(['ask', 'answer']);
    expect(once!.graph.loadedWith('ask')).toEqual(['ask']);
  });

  it('are never taken over themselves', () => {
    const g = new Graph('held', { dtype: 'f32' });
    g.segment('make');
    const kept = g.hold(big(g, 'kept'));
    node(g, 'a', [g.input('x', [4], 'f32')], [kept]);
    const over = big(g, 'over');
    node(g, 'b', [kept], [over], kept);
    const y = g.tensor('y', [4], 'f32');
    node(g, 'c', [over], [y]);
    g.output('y', y);
    const plan = planProgram(g, defaultProfile);
    expect(plan.segments[0]!.nodes[1]!.inPlace).toBe(false);
    expect(plan.intermediatesBytes).toBe(2 * bytes);
  });

  it('are free after their last use where they are released, and may be taken over then', () => {
    const record = (inPlace: boolean): Graph => {
      const g = new Graph('held', { dtype: 'f32' });
      g.segment('make');
      const kept = g.hold(big(g, 'kept'));
      node(g, 'a', [g.input('x', [4], 'f32')], [kept]);
      g.segment('use');
      g.release(kept);
      const over = big(g, 'over');
      node(g, 'b', [kept], [over], inPlace ? kept : undefined);
      const later = big(g, 'later');
      node(g, 'c', [over], [later]);
      const y = g.tensor('y', [4], 'f32');
      node(g, 'd', [over, later], [y]);
      g.output('y', y);
      return g;
    };
    const over = planProgram(record(true), defaultProfile);
    expect(over.segments[1]!.nodes[0]!.inPlace).toBe(true);
    expect(over.intermediatesBytes).toBe(2 * bytes);
    const offsets = new Map([...over.segments[1]!.offsets].map(([tensor, at]) => [tensor.name, at]));
    expect(offsets.get('over')).toBe(offsets.get('kept'));
    expect(offsets.get('later')).toBe(bytes);
    // Not taken over, its place is still used again.
    expect(planProgram(record(false), defaultProfile).intermediatesBytes).toBe(2 * bytes);
  });

  it('what is made of a released one is not another held one, whose place is elsewhere', () => {
    const g = new Graph('held', { dtype: 'f32' });
    g.segment('make');
    const kept = g.hold(big(g, 'kept'));
    node(g, 'a', [g.input('x', [4], 'f32')], [kept]);
    g.segment('use');
    g.release(kept);
    const next = g.hold(big(g, 'next'));
    node(g, 'b', [kept], [next], kept);
    g.segment('end');
    const y = g.tensor('y', [4], 'f32');
    node(g, 'c', [next], [y]);
    g.output('y', y);
    const plan = planProgram(g, defaultProfile);
    expect(plan.segments[1]!.nodes[0]!.inPlace).toBe(false);
    expect(plan.intermediatesBytes).toBe(2 * bytes);
  });

  it('cannot be used after they are released', () => {
    const g = new Graph('held', { dtype: 'f32' });
    g.segment('make');
    const kept = g.hold(big(g, 'kept'));
    node(g, 'a', [g.input('x', [4], 'f32')], [kept]);
    g.release(kept);
    g.segment('use');
    const y = g.tensor('y', [4], 'f32');
    node(g, 'b', [kept], [y]);
    g.output('y', y);
    expect(() => planProgram(g, defaultProfile)).toThrow(/last used in "make".*got a use in "use"/);
  });

  it('share a place where no segment needs both, and what is read before it is written is there from the start', () => {
    const g = new Graph('held', { dtype: 'f32' });
    const carried: Tensor[] = [];
    const works: Tensor[] = [];
    for (const name of ['first', 'second']) {
      g.segment(name);
      const carry = g.hold(big(g, `${name}.carry`));
      const work = big(g, `${name}.work`);
      node(g, 'a', [g.input(`${name}.x`, [4], 'f32')], [work]);
      const y = g.tensor(`${name}.y`, [4], 'f32');
      node(g, 'b', [work, carry], [y, carry]);
      g.output(`${name}.y`, y);
      carried.push(carry);
      works.push(work);
    }
    const plan = planProgram(g, defaultProfile);
    expect(plan.intermediatesBytes).toBe(2 * bytes);
    plan.segments.forEach(({ offsets }, i) => {
      expect(offsets.get(carried[i]!)).toBe(0);
      expect(offsets.get(works[i]!)).toBe(bytes);
    });
  });
});
