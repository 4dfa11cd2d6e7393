import { expectClose, freshDevice, randomArray, randomIntegers, testDevice } from '@pleinair/testing';
import { Graph, plainRows, WeightScope, type Device } from '@pleinair/tensor';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runOp, stored } from '../../test/run-op.js';
import { gatherRows } from './gather-rows.js';
import { sinusoidalReference } from './reference.js';
import { sinusoidalEmbedding } from './sinusoidal-embedding.js';
import { tokenEmbedding } from './token-embedding.js';

let device: Device;
/** The same adapter without shader-f16 and with bindings of two kilobytes. */
let small: Device;
beforeAll(async () => {
  device = await testDevice();
  small = await freshDevice({ limits: { maxStorageBufferBindingSize: 2048 }, without: ['shaderF16'] });
});
afterAll(() => small.destroy());

describe('tokenEmbedding', () => {
  for (const dtype of ['f32', 'f16'] as const) {
    it(`adds positions to rows of the table, also beyond the binding limit, ${dtype}`, async () => {
      const [vocabulary, channels, batch, tokens] = [101, 14, 3, 5];
      for (const on of [device, small]) {
        const g = new Graph('tokens', { dtype });
        const scope = new WeightScope(g);
        g.segment('run');
        const table = scope.weight('table', [vocabulary, channels], plainRows);
        const positions = scope.weight('positions', [7, channels], plainRows);
        g.output('y', tokenEmbedding(g, g.input('ids', [batch, tokens], 'u32'), table, positions, { label: 'tokens' }));
        const ids = randomIntegers(batch * tokens, 1, vocabulary);
        ids.set([0, vocabulary - 1, vocabulary]); // the third is beyond the vocabulary
        const rows = stored(randomArray(vocabulary * channels, 2), dtype);
        const places = stored(randomArray(7 * channels, 3), dtype);
        const { y } = await runOp(g, on, { inputs: { ids }, weights: { table: rows, positions: places } }, ['y']);
        const expected = Array.from({ length: batch * tokens * channels }, (_, i) => {
          const [row, c] = [Math.floor(i / channels), i % channels];
          return (rows[ids[row]! * channels + c] ?? 0) + places[(row % tokens) * channels + c]!;
        });
        expectClose(y!, expected, { dtype, reductionLength: 1 });
      }
    });
  }
});

describe('sinusoidalEmbedding', () => {
  it('matches get_timestep_embedding for timesteps and sizes', async () => {
    for (const [dim, flipSinToCos, shift] of [
      [320, true, 0],
      [256, true, 0],
      [10, false, 1],
      [7, true, 0],
    ] as const) {
      // prettier-ignore
      const g = new Graph('sinusoids', { dtype: 'f16' });
      g.segment('run');
      const values = Float32Array.from([999, 0, 1, 981.25, 1024, 4096, 0.5, 500, 2, 3, 7, 1000]);
      const options = { dim, flipSinToCos, shift };
      g.output('y', sinusoidalEmbedding(g, g.input('t', [2, 6], 'f32'), { ...options, outDtype: 'f32', label: 'f32' }));
      g.output('half', sinusoidalEmbedding(g, g.input('u', [12, 1], 'f32'), { ...options, label: 'f16' }));
      const { y, half } = await runOp(g, device, { inputs: { t: values, u: values } }, ['y', 'half']);
      const expected = sinusoidalReference(values, options);
      // The angle is rounded to f32 once: half a unit of 4096's last place.
      expectClose(y!, expected, { dtype: 'f32', reductionLength: 1, termScale: 4096 / 8 });
      expectClose(half!, expected, { dtype: 'f16', reductionLength: 1, termScale: 4096 / 8 });
    }
  });
});

describe('gatherRows', () => {
  it('takes one token of every sequence', async () => {
    const g = new Graph('gather', { dtype: 'f16' });
    g.segment('run');
    g.output('y', gatherRows(g, g.input('x', [3, 5, 6]), g.input('rows', [3], 'u32'), { label: 'pooled' }));
    const x = stored(randomArray(90, 1), 'f16');
    const rows = Uint32Array.from([4, 0, 9]); // the last is beyond the tokens
    const { y } = await runOp(g, device, { inputs: { x, rows } }, ['y']);
    const expected = Array.from(
      { length: 18 },
      (_, i) => x[(Math.floor(i / 6) * 5 + [4, 0, 4][Math.floor(i / 6)]!) * 6 + (i % 6)],
    );
    expect(Array.from(y!)).toEqual(expected);
  });
});
