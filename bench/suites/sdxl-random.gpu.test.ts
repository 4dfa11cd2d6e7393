import { MemoryTuningStore, Tuner } from '@pleinair/kernels';
import { testDevice } from '@pleinair/testing';
import { expect, it } from 'vitest';
import type { BenchContext } from './context.js';
import { sdxlRandom } from './sdxl-random.js';

/** SwiftShader compiles every kernel anew; what is told does not depend on the adapter. */
const slow = process.env['PLEINAIR_TEST_ADAPTER'] === 'swiftshader';

it.skipIf(slow)(
  'SDXL in the small paints finite numbers with weights made up, in halves and in 4 bits (asked of one adapter, not SwiftShader)',
  async () => {
    const device = await testDevice();
    const context: BenchContext = {
      device,
      dtype: 'f32',
      scale: 'least',
      quick: false,
      filter: 'UNet',
      care: { rounds: 1, budgetMs: 1000, spanMs: 20 },
      // Nothing to spend: what is tuned is what heuristics choose, by the other way.
      tuner: new Tuner(device, { mode: 'known', store: new MemoryTuningStore() }),
      root: '',
      fail: ({ reason }) => expect.fail(reason),
    };
    const results = [];
    for await (const result of sdxlRandom(context)) results.push(result);
    expect(results.map(({ shape }) => shape.split(', ').slice(-2).join(' '))).toEqual([
      'fp16 heuristics',
      'fp16 tuned',
      '4 bits heuristics',
      '4 bits tuned',
    ]);
    for (const { ms, figures } of results) {
      expect(figures!['finite']).toBe(1);
      expect(figures!['stepsPerSecond']! / (1000 / ms)).toBeCloseTo(1, 2);
      const { weightsBytes, intermediatesBytes, persistentBytes, peakBytes } = figures!;
      expect(peakBytes).toBe(weightsBytes! + intermediatesBytes! + persistentBytes!);
    }
    const [halves, , fourBits] = results;
    expect(fourBits!.figures!['weightsBytes']! / halves!.figures!['weightsBytes']!).toBeLessThan(0.3);
  },
);
