import { fromHalfArray, toHalfArray } from '@pleinair/tensor';
import { describe, expect, it } from 'vitest';
import type { LayerForm } from './engine.js';
import { ProbeEngine, type ModelProbe, type ProbeEngineOptions } from './probe-engine.js';
import { psnr } from './psnr.js';

const originals: Readonly<Record<string, readonly number[]>> = { 'a.weight': [1, 2], 'b.weight': [0.5, -3] };

/** What each form is: the original times so much. */
function formOf(tensor: string, form: LayerForm): Uint16Array<ArrayBuffer> {
  const factor = form === 16 ? 1 : form === 'linear8' ? 1.125 : 1 + 1 / Number(form);
  return toHalfArray(Float32Array.from(originals[tensor]!, (value) => value * factor));
}

/** A model of two sums; in f32 a little aside. */
class SumProbe implements ModelProbe {
  private readonly values = new Map<string, Float32Array>(
    Object.keys(originals).map((tensor) => [tensor, fromHalfArray(formOf(tensor, 16))]),
  );

  constructor(
    readonly precision: 'f16' | 'f32',
    private readonly onDispose: () => void,
  ) {}

  run(prompts: readonly number[]): Promise<Float32Array[]> {
    const aside = this.precision === 'f32' ? 2 ** -10 : 0;
    const sums = [...this.values.values()].map((values) => values.reduce((sum, value) => sum + value, aside));
    return Promise.resolve(prompts.map((prompt) => Float32Array.from(sums, (value) => value * (prompt + 1))));
  }

  replace(tensor: string, halves: Uint16Array<ArrayBuffer>): Promise<void> {
    this.values.set(tensor, fromHalfArray(halves));
    return Promise.resolve();
  }

  dispose(): void {
    this.onDispose();
  }
}

/** An engine's options, and what was opened and is open. */
function watched(change: Partial<ProbeEngineOptions> = {}) {
  const opened: string[] = [];
  let open = 0;
  let most = 0;
  const options: ProbeEngineOptions = {
    prompts: 3,
    weights: { get: (tensor, form) => Promise.resolve(formOf(tensor, form)) },
    open(precision) {
      opened.push(precision);
      most = Math.max(most, ++open);
      return Promise.resolve(new SumProbe(precision, () => open--));
    },
    ...change,
  };
  return { options, opened, open: () => open, most: () => most };
}

describe('ProbeEngine', () => {
  it('reads PSNR against the original weights, of the prompts asked for in their order', async () => {
    const engine = await ProbeEngine.open(watched().options);
    expect([engine.prompts, engine.runs]).toEqual([3, 3]);
    await engine.swap('a', 2);
    const expected = [0, 1, 2].map((i) => psnr([3 * (i + 1), -2.5 * (i + 1)], [4.5 * (i + 1), -2.5 * (i + 1)]));
    expect(await engine.measure()).toEqual(expected);
    expect(await engine.measure({ prompts: [2, 0] })).toEqual([expected[2], expected[0]]);
    expect(await engine.measure({ prompts: [] })).toEqual([]);
    expect(engine.runs).toBe(3 + 3 + 2);
    await engine.swap('b', 'linear8');
    expect((await engine.measure({ prompts: [0] }))[0]).toBeLessThan(expected[0]!);
    await engine.swap('b', 16);
    expect(await engine.measure()).toEqual(expected);
    await engine.swap('a', 16);
    for (const value of await engine.measure()) expect(value).toBeGreaterThan(190);
    engine.dispose();
  });

  it('holds the original against f32, with one model open at a time, and goes on as it was', async () => {
    const { options, opened, open, most } = watched();
    const engine = await ProbeEngine.open(options);
    await engine.swap('a', 4);
    const before = await engine.measure();
    const original = await engine.measureOriginal({ prompts: [1] });
    const [a, b] = [3, -2.5].map((sum) => [2 * (sum + 2 ** -10), 2 * sum] as const) as [
      [number, number],
      [number, number],
    ];
    expect(original[0]).toBeCloseTo(psnr([a[0], b[0]], [a[1], b[1]]), 3);
    expect(open()).toBe(0);
    expect(await engine.measure()).toEqual(before);
    expect(opened).toEqual(['f16', 'f32', 'f16']);
    expect(most()).toBe(1);
    expect(engine.runs).toBe(3 + 3 + 1 + 3);
    engine.dispose();
    expect(open()).toBe(0);
  });

  it('refuses prompts it does not know, and frees a model whose outputs overflow', async () => {
    const engine = await ProbeEngine.open(watched().options);
    for (const prompts of [[3], [-1], [0.5]]) {
      await expect(engine.measure({ prompts })).rejects.toMatchObject({ code: 'palettize/invalid-argument' });
    }
    engine.dispose();
    const overflowing = watched();
    const broken = {
      ...overflowing.options,
      async open(precision: 'f16' | 'f32') {
        const probe = await overflowing.options.open(precision);
        probe.run = (prompts) => Promise.resolve(prompts.map(() => Float32Array.of(1, NaN)));
        return probe;
      },
    };
    await expect(ProbeEngine.open(broken)).rejects.toMatchObject({ code: 'palettize/not-finite' });
    expect(overflowing.open()).toBe(0);
  });
});
