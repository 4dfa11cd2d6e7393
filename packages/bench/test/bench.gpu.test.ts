import { CancelledError } from '@pleinair/tensor';
import { testDevice } from '@pleinair/testing';
import { describe, expect, it } from 'vitest';
import {
  benchOps,
  halvesPeer,
  measureOp,
  opCases,
  OursChains,
  PeakMeter,
  relativeDifference,
  type BenchFailure,
  type BenchResult,
  type OpContext,
  type OutputChains,
  type Peer,
} from '../src/index.js';

/** It keeps no compiled kernels: one kind of shape speaks for all there. */
const isSwiftShader = process.env['PLEINAIR_TEST_ADAPTER'] === 'swiftshader';

const [smallest] = opCases('matmul', { scale: 'least', filter: 'one row' });
const [norm] = opCases('norm', { scale: 'least', filter: 'LayerNorm' });

async function contextFor(more: Partial<OpContext> = {}): Promise<OpContext & { readonly failures: BenchFailure[] }> {
  const failures: BenchFailure[] = [];
  const care = { rounds: 3, budgetMs: 5000, spanMs: 20 };
  return { device: await testDevice(), dtype: 'f32', care, fail: (one) => void failures.push(one), failures, ...more };
}

async function all(results: AsyncIterable<BenchResult>): Promise<BenchResult[]> {
  const list: BenchResult[] = [];
  for await (const result of results) list.push(result);
  return list;
}

describe('an operation', () => {
  it('is chained to itself: two links do to a tensor what one link does twice', async () => {
    const chains = new OursChains(await testDevice(), norm!, { dtype: 'f32' });
    const chain = await chains.build(2);
    await chain.run();
    const first = await chain.output();
    await chain.run();
    expect(relativeDifference(await chain.output(), first)).toBe(0);
    expect(first.every(Number.isFinite)).toBe(true);
    await chain.dispose();
  });

  it('runs in every variant asked for beside the chosen one, to the same outcome, and says which is which', async () => {
    const chains = new OursChains(await testDevice(), smallest!, { dtype: 'f32' });
    const chosenName = chains.variant();
    const pick = chains.variants().find((name) => name !== chosenName)!;
    const names = chains.variants().filter((name) => name !== chosenName && name.includes(pick));
    const context = await contextFor({ variants: true, pick });
    const results = await all(measureOp(smallest!, context));
    const tooSlow = context.failures.filter(({ reason }) => reason.startsWith('too slow'));
    expect(context.failures).toEqual(tooSlow);
    expect(results.length + tooSlow.length).toBe(names.length + 1);
    expect(results.filter(({ chosen }) => chosen).map(({ variant }) => variant)).toEqual([chosenName]);
    for (const { variant, difference, chosen, figures } of results) {
      if (!chosen) {
        expect(names).toContain(variant);
        expect(difference).toBeLessThan(1e-5);
      }
      expect(figures!['timesChosen']).toBeGreaterThan(0);
    }
  });

  it('runs in the variant that was forced, and reports it', async () => {
    const names = new OursChains(await testDevice(), smallest!, { dtype: 'f32' }).variants();
    const other = names.at(-1)!;
    const [result] = await all(measureOp(smallest!, await contextFor({ pick: other })));
    expect(result!.variant).toBe(other);
  });
});

describe.skipIf(isSwiftShader)('a peer (asked of one adapter, not SwiftShader)', () => {
  /** An engine that is ours under another name, its outcomes changed. */
  const peerOf = (
    forms: readonly (((y: number) => number) & { readonly delayMs?: number })[],
    device: OpContext['device'],
  ): Peer => ({
    name: 'other',
    forms: (op, dtype) =>
      forms.map((change, i) => {
        const { delayMs = 0 } = change;
        const ours = new OursChains(device, op, { dtype, name: 'other' });
        const chains: OutputChains = {
          name: 'other',
          async build(length) {
            const chain = await ours.build(length);
            return {
              ...chain,
              output: async () => (await chain.output()).map(change),
              run: async () => {
                await chain.run();
                await new Promise((resolve) => setTimeout(resolve, delayMs));
              },
            };
          },
        };
        return { name: `form ${i}`, chains };
      }),
  });

  it('is timed beside ours, and the ratio told', async () => {
    const device = await testDevice();
    const context = await contextFor({ peer: peerOf([(y) => y], device) });
    const [result] = await all(measureOp(smallest!, context));
    expect(context.failures).toEqual([]);
    expect(result!.peer!.name).toBe('other');
    expect(result!.ratio! / (result!.peer!.ms / result!.ms)).toBeCloseTo(1, 2);
    expect(result!.difference).toBe(0);
    expect(result!.note).toBeUndefined();
  });

  it('is timed in the fastest of the forms that compute the same', async () => {
    const slow = Object.assign((y: number) => y, { delayMs: 2000 });
    const peer = peerOf([slow, (y) => y, (y) => y + 1], await testDevice());
    const [result] = await all(measureOp(smallest!, await contextFor({ peer })));
    expect(result!.note).toMatch(/^its form 2 does not serve: .*outputs to differ by at most.*; timed other's form 1$/);
    expect(result!.difference).toBe(0);
  });

  it('that computes something else is asked for another form, and said so', async () => {
    const device = await testDevice();
    const [result] = await all(
      measureOp(smallest!, await contextFor({ peer: peerOf([(y) => y + 1, (y) => y], device) })),
    );
    expect(result!.note).toMatch(/^its form 0 does not serve: .*outputs to differ by at most.*; timed other's form 1$/);
    const context = await contextFor({ peer: peerOf([(y) => -y], device) });
    expect(await all(measureOp(smallest!, context))).toEqual([]);
    expect(context.failures[0]!.reason).toMatch(/One of the two computes something else/);
  });
});

describe.skipIf(isSwiftShader)('a palettized shape (asked of one adapter, not SwiftShader)', () => {
  it.each(['f32', 'f16'] as const)('is timed beside the same weights as half floats: activations %s', async (dtype) => {
    const [op] = opCases('palettized', { scale: 'least', filter: 'one row, 4 bits' });
    const context = await contextFor({ dtype });
    const [result] = await all(measureOp(op!, context));
    expect(context.failures).toEqual([]);
    expect(result!.peer!.name).toBe(halvesPeer);
    expect(result!.ratio! / (result!.peer!.ms / result!.ms)).toBeCloseTo(1, 2);
    expect(result!.difference).toBeLessThan(dtype === 'f16' ? 3e-3 : 1e-5);
    // A matrix of 1280², one palette, and the bias.
    const bias = 1280 * 2;
    expect(result!.figures).toEqual({
      weightsBytes: 1280 ** 2 / 2 + 32 + bias,
      fp16WeightsBytes: 1280 ** 2 * 2 + bias,
    });
  });
});

describe.skipIf(isSwiftShader)('a whole run (asked of one adapter, not SwiftShader)', () => {
  it('tells peaks that were read', async () => {
    const device = await testDevice();
    const meter = await PeakMeter.open(device);
    await meter.round();
    const { fma, fmaF16, copy } = meter.peaks;
    for (const { best, median, least, readings } of [fma, copy]) {
      expect(readings).toBe(1);
      expect(best).toBe(median);
      expect(least).toBe(best);
      expect(best).toBeGreaterThan(0);
    }
    expect(fmaF16 !== undefined).toBe(device.profile.features.shaderF16);
    meter.dispose();
  });

  it('stops where its signal fires, and says what was known until then', async () => {
    const controller = new AbortController();
    const reported: number[] = [];
    const run = benchOps(await testDevice(), {
      suites: ['matmul'],
      scale: 'least',
      tune: 'off',
      signal: controller.signal,
      onEvent(event) {
        if (event.kind !== 'report') return;
        reported.push(event.report.results.length);
        if (reported.at(-1) === 1) controller.abort();
      },
    });
    await expect(run).rejects.toBeInstanceOf(CancelledError);
    // The adapter's limits first, then each shape.
    expect(reported).toEqual([0, 1]);
  });

  it('begins no shape after its budget, and names those left out', async () => {
    const report = await benchOps(await testDevice(), { suites: ['norm'], scale: 'least', tune: 'off', budgetMs: 0 });
    expect(report.results).toEqual([]);
    expect(report.failures.map(({ shape }) => shape).sort()).toEqual(
      opCases('norm', { scale: 'least' })
        .map(({ shape }) => shape)
        .sort(),
    );
  });
});
