import { describe, expect, it } from 'vitest';
import { defaultProfile, Graph, orderBounds, planProgram, type Tensor } from './index.js';

const bytes = 4096 * 4;

/** A node over tensors that dispatches nothing. */
function node(g: Graph, label: string, inputs: readonly Tensor[], outputs: readonly Tensor[], inPlace?: Tensor): void {
  g.add({ op: 'probe', label, inputs, weights: [], outputs, inPlace, lower: () => [] });
}

/** Of the only segment, in tensors' bytes. */
function bound(g: Graph): readonly [planned: number, recorded: number, least: number] {
  const [{ plannedBytes, recordedBytes, leastBytes }] = orderBounds(planProgram(g, defaultProfile)) as [
    ReturnType<typeof orderBounds>[number],
  ];
  return [plannedBytes / bytes, recordedBytes / bytes, leastBytes / bytes];
}

describe('the bound of all orders', () => {
  const start = (): { g: Graph; x: Tensor; big: (name: string, times?: number) => Tensor } => {
    const g = new Graph('order', { dtype: 'f32' });
    g.segment('run');
    const x = g.input('x', [4], 'f32');
    return { g, x, big: (name, times = 1) => g.tensor(name, [4096 * times], 'f32') };
  };

  it('is what a chain takes, its skip counted, whatever is recorded', () => {
    const { g, x, big } = start();
    const [skip, a, b, y] = [big('skip'), big('a', 2), big('b'), big('y')];
    node(g, 'skip', [x], [skip]);
    node(g, 'a', [skip], [a]);
    node(g, 'b', [a], [b]);
    node(g, 'y', [b, skip], [y]);
    g.output('out', y);
    expect(bound(g)).toEqual([4, 4, 4]);
  });

  it('is below an order that makes too much too early', () => {
    const { g, x, big } = start();
    const wide = ['a', 'b', 'c'].map((name) => big(name));
    const narrow = ['p', 'q', 'r'].map((name) => g.tensor(name, [4], 'f32'));
    for (const tensor of wide) node(g, tensor.name, [x], [tensor]);
    for (const [i, tensor] of wide.entries()) node(g, narrow[i]!.name, [tensor], [narrow[i]!]);
    narrow.forEach((tensor) => void g.output(tensor.name, tensor));
    expect(bound(g)).toEqual([3, 3, 1]);
  });

  it('takes outputs over inputs for granted where some order may grant it, and not where none can', () => {
    for (const readsLater of [false, true]) {
      const { g, x, big } = start();
      const [a, b, y] = [big('a'), big('b'), big('y')];
      node(g, 'a', [x], [a]);
      node(g, 'b', [a], [b], a);
      node(g, 'y', readsLater ? [b, a] : [b], [y]);
      g.output('out', y);
      const least = readsLater ? 2 : 1;
      expect(bound(g)).toEqual([least, least, least]);
    }
  });

  it('counts scratch that a node always takes, not what it would take where there is room', () => {
    for (const asks of [false, true]) {
      const { g, x, big } = start();
      const [a, b] = [big('a'), g.tensor('b', [4], 'f32')];
      node(g, 'a', [x], [a]);
      g.add({
        op: 'probe',
        label: 'b',
        inputs: [a],
        weights: [],
        outputs: [b],
        lower(context) {
          if (!asks || context.room >= 0) context.scratch('own', [4096], 'f32');
          return [];
        },
      });
      g.output('out', b);
      expect(bound(g)).toEqual([2, 2, asks ? 1 : 2]);
    }
  });
});
