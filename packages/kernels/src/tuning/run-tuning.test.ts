import { CancelledError, type GraphNode } from '@pleinair/tensor';
import { describe, expect, it } from 'vitest';
import type { Reading, TimedVariant } from './contest.js';
import type { TuningRecord } from './record.js';
import { runTuning, type TuningEffort, type TuningProgress } from './run-tuning.js';
import type { TuningSubject } from './subject.js';

const node: GraphNode = { op: 'op', label: 'n', inputs: [], weights: [], outputs: [], lower: () => [] };

/** A shape with its variants' times, and all its work by the heuristic's variant, which is the first. */
function shapeOf(shape: string, times: Readonly<Record<string, number>>, expectedMs: number): Shape {
  const names = Object.keys(times);
  const runs = expectedMs / times[names[0]!]!;
  const where = { shape, op: 'op', part: 'unet', node, inPlace: false, room: 0 };
  return { subject: { ...where, names, basis: 'b', count: 1, runs, expectedMs, flops: 1 }, times };
}

interface Shape {
  readonly subject: TuningSubject;
  readonly times: Readonly<Record<string, number>>;
}

/** Runs a tuning in a made-up world where building a kernel takes `buildMs` and reading takes what is read. */
class FakeWorld {
  readonly records = new Map<string, TuningRecord>();
  readonly progress: TuningProgress[] = [];
  readonly opened: string[] = [];
  /** What was recorded whenever a shape of a full tuning was done. */
  readonly done: string[][] = [];
  readonly controller = new AbortController();
  clock = 0;
  private readonly built = new Set<string>();

  constructor(
    private readonly shapes: readonly Shape[],
    private readonly buildMs: number,
    private readonly lookMs = 0,
  ) {}

  run(effort: TuningEffort, budgetMs = 0, onOpen: () => void = () => undefined): Promise<void> {
    return runTuning(
      this.shapes.map(({ subject }) => subject),
      {
        effort,
        budgetMs,
        isSoftware: true,
        clockStepMs: 0,
        choicesOf: ({ names }) => {
          this.clock += this.lookMs;
          return { variants: names.map((name) => ({ name, kernels: [`${name}-kernel`] })), heuristic: names[0]! };
        },
        open: (subject, variant) => {
          onOpen();
          return Promise.resolve(this.open(subject, variant));
        },
        isBuilt: (key) => this.built.has(key),
        onRecord: (record) => this.records.set(record.shape, record),
        onShapeDone: () => {
          this.done.push([...this.records.keys()]);
          return Promise.resolve();
        },
        onProgress: (progress) => this.progress.push(progress),
        signal: this.controller.signal,
        now: () => this.clock,
        date: () => 7,
      },
    );
  }

  private open(subject: TuningSubject, variant: string): TimedVariant {
    this.opened.push(`${subject.shape} ${variant}`);
    const key = `${variant}-kernel`;
    if (!this.built.has(key)) this.clock += this.buildMs;
    this.built.add(key);
    const { times } = this.shapes.find((shape) => shape.subject === subject)!;
    const read = (): Promise<Reading> => {
      this.clock += times[variant]!;
      return Promise.resolve({ ms: times[variant]! });
    };
    return { read, close: () => undefined };
  }
}

describe('quick tuning', () => {
  it('spends no more than its budget, and remembers also what it did not reach', async () => {
    const shapes = Array.from({ length: 30 }, (_, i) =>
      shapeOf(`s${i}`, { [`own${i}`]: 10, [`other${i}`]: 9, [`third${i}`]: 9 }, 1000),
    );
    const world = new FakeWorld(shapes, 500);
    await world.run('quick', 3000);
    expect(world.clock).toBeGreaterThan(1000);
    // One trial may turn out dearer than guessed.
    expect(world.clock).toBeLessThanOrEqual(3000 + 1200);
    const extents = [...world.records.values()].map(({ extent }) => extent);
    expect(extents).toHaveLength(30);
    expect(extents).toContain('none');
    expect(extents.some((extent) => extent !== 'none')).toBe(true);
    for (const { extent, winner, times } of world.records.values()) {
      if (extent === 'none') expect({ winner, times }).toEqual({ winner: undefined, times: {} });
    }
  });

  it('begins where most of the work is', async () => {
    const world = new FakeWorld([shapeOf('small', { a: 1, b: 1 }, 50), shapeOf('large', { c: 9, d: 5 }, 5000)], 100);
    await world.run('quick', 2000);
    expect(world.opened[0]).toBe('large c');
    expect(world.records.get('large')).toMatchObject({ winner: 'd', extent: 'all', heuristic: 'c', at: 7 });
  });

  it('prefers variants whose kernels are built, which serve many shapes', async () => {
    const many = ['a', 'b', 'c'].map((name) => shapeOf(name, { own: 10, shared: 8, [`special-${name}`]: 8 }, 4000));
    const world = new FakeWorld(many, 600);
    await world.run('quick', 2600);
    const firstSpecial = world.opened.findIndex((each) => each.includes('special'));
    const before = world.opened.slice(0, firstSpecial);
    expect(before).toEqual(expect.arrayContaining(['a shared', 'b shared', 'c shared']));
  });

  it('learns which variants lose, and leaves them for last', async () => {
    const shapes = Array.from({ length: 6 }, (_, i) => shapeOf(`s${i}`, { own: 10, bad: 30, good: 8 }, 2000 - i));
    const world = new FakeWorld(shapes, 10);
    await world.run('quick', 1e6);
    const order = world.opened.map((each) => each.split(' ')[1]!);
    expect(order.lastIndexOf('good')).toBeLessThan(order.lastIndexOf('bad'));
  });

  it('does not try what could never earn its time back', async () => {
    const world = new FakeWorld([shapeOf('tiny', { a: 0.01, b: 0.005 }, 0.01)], 500);
    await world.run('quick', 60_000);
    expect(world.opened).toEqual([]);
    expect(world.records.get('tiny')).toMatchObject({ extent: 'none', heuristic: 'a' });
    expect(world.records.get('tiny')).not.toHaveProperty('winner');
  });

  it('does not spend its budget on looking either, and remembers what it did not look at', async () => {
    const shapes = Array.from({ length: 100 }, (_, i) => shapeOf(`s${i}`, { own: 10, good: 5 }, 1000 - i));
    const world = new FakeWorld(shapes, 10, 50);
    await world.run('quick', 2000);
    expect(world.clock).toBeLessThanOrEqual(2000);
    expect(world.records.size).toBe(100);
    expect(world.records.get('s0')).toMatchObject({ winner: 'good', extent: 'all' });
    expect(world.records.get('s99')).toMatchObject({ kernels: {}, extent: 'none' });
  });

  it('keeps what was timed when it is cancelled, and leaves the rest unrecorded', async () => {
    const shapes = [shapeOf('first', { a: 10, b: 5 }, 9000), shapeOf('second', { c: 10, d: 5 }, 500)];
    const world = new FakeWorld(shapes, 1);
    const cancelAtSecond = (): void => {
      if (world.opened.length >= 2) world.controller.abort();
    };
    await expect(world.run('quick', 1e6, cancelAtSecond)).rejects.toThrow(CancelledError);
    expect([...world.records.keys()]).toEqual(['first']);
    expect(world.records.get('first')).toMatchObject({ winner: 'b' });
  });
});

describe('full tuning', () => {
  it('times every variant of every shape and says how long it will go on', async () => {
    const shapes = [shapeOf('x', { a: 10, b: 11, c: 7 }, 10), shapeOf('y', { a: 4, b: 3 }, 900)];
    const world = new FakeWorld(shapes, 100);
    await world.run('full');
    expect(world.records.get('x')).toMatchObject({ winner: 'c', extent: 'all', times: { a: 10, b: 11, c: 7 } });
    expect(world.records.get('y')).toMatchObject({ winner: 'b', extent: 'all', times: { a: 4, b: 3 } });
    expect(world.records.get('x')!.winnerShare).toBeCloseTo(0.7, 9);
    // What was found can be put in safety as it is found.
    expect(world.done).toEqual([['y'], ['y', 'x']]);
    expect(world.progress.map(({ shape, variant, done, total }) => [shape, variant, done, total])).toEqual([
      ['y', 'b', 0, 3],
      ['x', 'b', 1, 3],
      ['x', 'c', 2, 3],
    ]);
    expect(world.progress.map(({ leftMs }) => leftMs !== undefined)).toEqual([false, true, true]);
  });

  it('keeps what was timed when it is cancelled, marked as not whole', async () => {
    const shapes = [shapeOf('x', { a: 10, b: 11, c: 7 }, 900), shapeOf('y', { d: 4, e: 3, f: 2 }, 10)];
    const world = new FakeWorld(shapes, 1);
    const cancelInSecond = (): void => {
      if (world.opened.length >= 4) world.controller.abort();
    };
    await expect(world.run('full', 0, cancelInSecond)).rejects.toThrow(CancelledError);
    expect(world.records.get('x')).toMatchObject({ extent: 'all', winner: 'c' });
    expect(world.records.get('y')).toMatchObject({ extent: 'some', winner: 'e' });
  });

  it('does nothing where there is nothing to choose', async () => {
    const world = new FakeWorld([], 1);
    await world.run('full');
    expect(world.records.size).toBe(0);
  });
});
