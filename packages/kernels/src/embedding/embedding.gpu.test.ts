import { expectClose, freshDevice, randomArray, randomIntegers, testDevice } from '@pleinair/testing';
import {
  Graph,
  paletteBlocks,
  paletteTableBytes,
  plainRows,
  planProgram,
  WeightScope,
  type Device,
  type PaletteForm,
} from '@pleinair/tensor';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { paletteForms, palettizable } from '../../test/palettized.js';
import { runOp, stored } from '../../test/run-op.js';
import { gatherRows } from './gather-rows.js';
import { sinusoidalReference } from './reference.js';
import { sinusoidalEmbedding } from './sinusoidal-embedding.js';
import { embeddingWeight } from './table.js';
import { tokenEmbedding } from './token-embedding.js';

let device: Device;
/** The same adapter without shader-f16 and with bindings of two kilobytes. */
let small: Device;
beforeAll(async () => {
  device = await testDevice();
  small = await freshDevice({ limits: { maxStorageBufferBindingSize: 2048 }, without: ['shaderF16'] });
});
afterAll(() => small.destroy());

/** Tables with and without rows and channels that fill blocks and vec4s. */
const sizes = { vocabulary: 1501, channels: 14, batch: 3, tokens: 7 };

interface Recorded {
  readonly graph: Graph;
  /** Values of the table as it is stored, `[vocabulary, C]`. */
  readonly rows: Float32Array<ArrayBuffer>;
  readonly places: Float32Array<ArrayBuffer>;
  readonly ids: Uint32Array<ArrayBuffer>;
  readonly expected: readonly number[];
}

function recordTokens(dtype: 'f16' | 'f32', form?: PaletteForm): Recorded {
  const { vocabulary, channels, batch, tokens } = sizes;
  const graph = new Graph('tokens', { dtype, palettes: (name) => (name === 'table.weight' ? form : undefined) });
  const scope = new WeightScope(graph);
  graph.segment('run');
  const table = embeddingWeight(scope.in('table'), vocabulary, channels);
  const positions = scope.weight('positions', [9, channels], plainRows);
  const input = graph.input('ids', [batch, tokens], 'u32');
  graph.output('y', tokenEmbedding(graph, input, table, positions, { label: 'tokens' }));
  const ids = randomIntegers(batch * tokens, 1, vocabulary);
  ids.set([0, vocabulary - 1, vocabulary, 31, 32]); // the third is beyond the vocabulary
  const rows = form
    ? palettizable([vocabulary, channels], form, 2)
    : stored(randomArray(vocabulary * channels, 2), dtype);
  const places = stored(randomArray(9 * channels, 3), dtype);
  const expected = Array.from({ length: batch * tokens * channels }, (_, i) => {
    const [row, c] = [Math.floor(i / channels), i % channels];
    return (rows[ids[row]! * channels + c] ?? 0) + places[(row % tokens) * channels + c]!;
  });
  return { graph, rows, places, ids, expected };
}

describe.each(['f32', 'f16'] as const)('tokenEmbedding, %s', (dtype) => {
  it.each<{ form: PaletteForm | undefined }>([{ form: undefined }, ...paletteForms.map((form) => ({ form }))])(
    'adds positions to rows of the table, also beyond the binding limit: palettized $form',
    async ({ form }) => {
      for (const on of [device, small]) {
        const { graph, rows, places, ids, expected } = recordTokens(dtype, form);
        const data = { inputs: { ids }, weights: { 'table.weight': rows, positions: places } };
        const dispatches = planProgram(graph, on.profile).segments[0]!.nodes[0]!.dispatches.length;
        if (on === device) expect(dispatches).toBe(1);
        else expect(dispatches).toBeGreaterThan(1);
        const { y } = await runOp(graph, on, data, ['y']);
        expectClose(y!, expected, { dtype, reductionLength: 1 });
      }
    },
  );
});

describe('tokenEmbedding', () => {
  it('keeps a palettized table packed, and a plain one in rows', () => {
    const { vocabulary, channels } = sizes;
    const positions = 9 * 16 * 2;
    for (const form of paletteForms) {
      const { weightsBytes } = planProgram(recordTokens('f16', form).graph, device.profile);
      const indices = (paletteBlocks(vocabulary) * 32 * 16 * form.bits) / 8;
      expect(weightsBytes).toBe(paletteTableBytes(form, vocabulary) + indices + positions);
    }
    expect(planProgram(recordTokens('f16').graph, device.profile).weightsBytes).toBe(vocabulary * 16 * 2 + positions);
    expect(channels % 4).not.toBe(0);
  });

  it('refuses palettes that cannot be bound, and an empty table', () => {
    const grouped = recordTokens('f16', { bits: 8, group: 4 });
    expect(() => planProgram(grouped.graph, small.profile)).toThrow(
      /^tokenEmbedding: expected the palettes of "table.weight" within .* limit of 2048 bytes, got 192512\. .*groups/,
    );
    const g = new Graph('empty', { dtype: 'f16' });
    g.segment('run');
    const [table, positions] = [embeddingWeight(new WeightScope(g), 0, 4), g.weight('positions', [2, 4], plainRows)];
    expect(() => tokenEmbedding(g, g.input('ids', [1, 2], 'u32'), table, positions, { label: 'none' })).toThrow(
      /^tokenEmbedding none: expected a table \[vocabulary, channels\], got \[0, 4\]/,
    );
  });
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
