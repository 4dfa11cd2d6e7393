import { compileProgram, Graph, type Device } from '@pleinair/tensor';
import { expectClose, randomArray, testDevice } from '@pleinair/testing';
import { beforeAll, expect, it } from 'vitest';
import { kernelsOf, tintErrors } from '../../test/tint.js';
import { stored } from '../../test/run-op.js';
import { finishedAttention } from './finished.js';
import { attentionReference } from './reference.js';
import { runningAttention } from './running.js';

let device: Device;
beforeAll(async () => {
  device = await testDevice();
});

it.each([
  { dtype: 'f32', queries: 10, keys: 23, block: 6, channels: 7, size: 1 },
  { dtype: 'f32', queries: 5, keys: 8, block: 8, channels: 12, size: 60 },
  { dtype: 'f16', queries: 33, keys: 40, block: 16, channels: 8, size: 1 },
] as const)(
  '$queries queries, $keys keys in blocks of $block, $channels channels of size $size, $dtype',
  async ({ dtype, queries, keys, block, channels, size }) => {
    const g = new Graph('running', { dtype });
    g.segment('attend');
    const q = g.input('q', [1, queries, channels]);
    const k = g.input('k', [1, block, channels]);
    const v = g.input('v', [1, block, channels]);
    const position = g.input('position', [1], 'u32');
    const sums = g.state('sums', [1, queries, channels], 'f32');
    const statistics = g.state('statistics', [queries, 4], 'f32');
    runningAttention(g, { q, k, v, position, keys, sums, statistics, label: 'attend' });
    g.segment('finish');
    g.output('y', finishedAttention(g, sums, statistics, { label: 'finish' }));
    const program = await compileProgram(g, device);
    const dispatches = program.plan.segments.flatMap((s) => s.nodes.flatMap((n) => n.dispatches));
    expect(await tintErrors(kernelsOf(dispatches))).toEqual([]);
    const blocks = Math.ceil(keys / block);
    const values = {
      q: stored(randomArray(queries * channels, 1, size), dtype),
      // What lies beyond the last key would win, if it were looked at.
      k: stored(
        randomArray(blocks * block * channels, 2, size).map((x, i) => (i < keys * channels ? x : 50 * size)),
        dtype,
      ),
      v: stored(randomArray(blocks * block * channels, 3), dtype),
    };
    program.write('q', values.q);
    const expected = attentionReference({ ...values, batch: 1, queries, keys, heads: 1, headDim: channels });
    // The second time sums are full of the first one's leavings, and of what is no number.
    for (let turn = 0; turn < 2; turn++) {
      if (turn === 1) program.write('sums', new Float32Array(queries * channels).fill(NaN));
      for (let b = 0; b < blocks; b++) {
        const part = (all: Float32Array): Float32Array<ArrayBuffer> =>
          Float32Array.from(all.subarray(b * block * channels, (b + 1) * block * channels));
        program.write('k', part(values.k));
        program.write('v', part(values.v));
        program.write('position', Uint32Array.of(b));
        await program.run('attend');
      }
      await program.run('finish');
      const score = Math.max(1, size * size * Math.sqrt(channels));
      expectClose(await program.read('y'), expected, {
        dtype,
        reductionLength: channels + keys,
        termScale: score,
      });
    }
    program.dispose();
  },
);
