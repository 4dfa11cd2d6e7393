import { expectClose, freshDevice, testDevice } from '@pleinair/testing';
import { plainRows, type Device, type Tensor } from '@pleinair/tensor';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GraphRun } from '../../test/graph-run.js';
import { conv2d, convWeight } from '../conv2d/conv2d.js';
import { linear, linearWeight } from '../matmul/linear.js';
import { isMeasured } from './channel-statistics.js';
import { groupNorm, groupNormStats } from './group-norm.js';
import { groupNormReference } from './reference.js';

let device: Device;
/** The same adapter without shader-f16 and with bindings of a few kilobytes. */
let small: Device;
beforeAll(async () => {
  device = await testDevice();
  small = await freshDevice({ limits: { maxStorageBufferBindingSize: 16384 }, without: ['shaderF16'] });
});
afterAll(() => small.destroy());

interface Case {
  /** `[B, H, W, C]` of the convolution's input. */
  readonly shape: readonly [number, number, number, number];
  readonly cout: number;
  readonly groups: number;
  /** Channels of a second measured tensor, normalised as if they stood after the first's. */
  readonly second?: number;
  readonly dtype?: 'f16' | 'f32';
  /** Added to every channel by the bias. */
  readonly mean?: number;
  readonly residual?: boolean;
  readonly variant?: string;
  readonly on?: () => Device;
  /** Whether statistics are to be taken by the epilogue. */
  readonly inEpilogue: boolean;
}

const eps = 1e-5;

async function check(c: Case): Promise<void> {
  const { shape, cout, groups, second = 0, dtype = 'f32', mean = 0 } = c;
  const [batch, height, width, cin] = shape;
  const run = new GraphRun(dtype);
  const { graph: g, scope } = run;
  const measured = (name: string, channels: number): Tensor => {
    const x = run.input(`x.${name}`, shape);
    const bias = scope.weight(`${name}.bias`, [channels], plainRows);
    run.of(bias).fill(mean);
    const y = conv2d(g, x, convWeight(scope.in(name), channels, [cin], 3), {
      bias,
      residual: c.residual ? run.input(`residual.${name}`, [batch, height, width, channels]) : undefined,
      measured: true,
      label: name,
    });
    return g.output(name, y);
  };
  const x = measured('a', cout);
  expect(isMeasured(x)).toBe(true);
  const other = second > 0 ? measured('b', second) : undefined;
  const all = cout + second;
  const [gamma, beta] = [scope.weight('gamma', [all], plainRows), scope.weight('beta', [all], plainRows)];
  const norm = groupNorm(g, x, { gamma, beta, groups, eps, second: other, label: 'norm' });
  g.output('y', norm);
  const { program, read } = await run.run(c.on?.() ?? device, {
    // Scratch beyond what the plan has left over: nodes this small leave no room.
    scratchBytes: 2 ** 20,
    pick: (_key, names) => names.find((name) => name === c.variant),
  });
  try {
    const kernels = program.plan.segments[0]!.nodes.flatMap(({ dispatches }) => dispatches.map((d) => d.kernel.name));
    expect(kernels.filter((name) => name === 'norm/group-partial').length > 0).toBe(!c.inEpilogue);
    expect(kernels).toContain('norm/fold-moments');
    const rows = height * width;
    const parts = [await read('a'), ...(other ? [await read('b')] : [])];
    const joined = new Float64Array(batch * rows * all);
    for (let r = 0; r < batch * rows; r++) {
      joined.set(parts[0]!.subarray(r * cout, (r + 1) * cout), r * all);
      if (other) joined.set(parts[1]!.subarray(r * second, (r + 1) * second), r * all + cout);
    }
    const expected = groupNormReference({
      x: joined,
      images: batch,
      rows,
      channels: all,
      groups,
      eps,
      gamma: run.of(gamma),
      beta: run.of(beta),
    });
    const deviation = Math.sqrt(joined.reduce((sum, v) => sum + (v - mean) ** 2, 0) / joined.length);
    // x·a + b cancels the mean: its rounding is that of mean/deviation. Statistics are of values not yet rounded to halves.
    const rounding = dtype === 'f16' ? 2 ** 13 : 1;
    const termScale = Math.max(1, Math.abs(mean) / deviation) * 2 * (mean === 0 ? 1 : rounding);
    expectClose(await read('y'), expected, { dtype, reductionLength: 16, termScale });
  } finally {
    program.dispose();
  }
}

const tiles = 'tiled32x32';

describe('statistics that a convolution leaves', () => {
  const cases: Record<string, Case> = {
    'in its epilogue, one image': { shape: [1, 8, 8, 8], cout: 32, groups: 8, inEpilogue: true },
    'odd rows of one image, a ragged last block': { shape: [1, 7, 9, 8], cout: 20, groups: 5, inEpilogue: true },
    'a batch of whole blocks, channels that share a vec4': { shape: [2, 8, 8, 8], cout: 30, groups: 6, inEpilogue: true }, // prettier-ignore
    'blocks that would straddle images: read again': { shape: [3, 5, 7, 8], cout: 12, groups: 3, inEpilogue: false },
    'two measured tensors, channels shifted': { shape: [2, 8, 8, 8], cout: 6, second: 9, groups: 5, inEpilogue: true },
    'with a residual': { shape: [1, 8, 8, 8], cout: 16, groups: 4, residual: true, inEpilogue: true },
    'means far above the deviation': { shape: [1, 16, 16, 8], cout: 8, groups: 2, mean: 4000, inEpilogue: true },
    f16: { shape: [2, 8, 8, 8], cout: 32, groups: 8, dtype: 'f16', inEpilogue: true },
    'f16, large means': { shape: [1, 8, 8, 8], cout: 16, groups: 4, dtype: 'f16', mean: 300, inEpilogue: true },
    'tiles, one image': { shape: [1, 8, 8, 8], cout: 40, groups: 10, variant: tiles, inEpilogue: true },
    'tiles, a ragged last block': { shape: [1, 7, 9, 8], cout: 20, groups: 5, variant: tiles, inEpilogue: true },
    'tiles, means far above the deviation': { shape: [2, 8, 8, 8], cout: 8, groups: 2, mean: 4000, variant: tiles, inEpilogue: true }, // prettier-ignore
    'row bands of a small binding limit: read again': { shape: [2, 16, 17, 8], cout: 12, groups: 3, on: () => small, inEpilogue: false }, // prettier-ignore
  };
  for (const [name, c] of Object.entries(cases)) it(name, () => check(c));

  it('are means and squared deviations, zero in pad lanes; a linear layer leaves them too', async () => {
    const run = new GraphRun('f32');
    const { graph: g, scope } = run;
    const x = run.input('x', [2, 16, 12]);
    const y = linear(g, x, linearWeight(scope.in('l'), 6, 12), { measured: true, label: 'l' });
    g.output('y', y);
    if (!isMeasured(y)) throw new Error('expected a measured tensor');
    g.output('statistics', y.channelStatistics);
    const { program, read } = await run.run(device, { scratchBytes: 2 ** 20 });
    const values = await read('y');
    const statistics = await read('statistics');
    program.dispose();
    const expected = new Float64Array(2 * 2 * 8);
    for (let image = 0; image < 2; image++) {
      for (let c = 0; c < 6; c++) {
        const column = Array.from({ length: 16 }, (_, r) => values[(image * 16 + r) * 6 + c]!);
        const mean = column.reduce((a, b) => a + b, 0) / 16;
        expected[image * 16 + c] = mean;
        expected[image * 16 + 8 + c] = column.reduce((sum, v) => sum + (v - mean) ** 2, 0);
      }
    }
    // Squares are of differences from a row's value.
    const apart = 2 * Math.max(...values.map(Math.abs));
    expectClose(statistics, expected, { dtype: 'f32', reductionLength: 16, termScale: apart ** 2 });
  });

  it('fold into the same scale and shift as reading the tensor gives', async () => {
    const affineOf = async (measured: boolean): Promise<Float32Array> => {
      const run = new GraphRun('f32');
      const { graph: g, scope } = run;
      const y = conv2d(g, run.input('x', [1, 8, 8, 8]), convWeight(scope.in('c'), 12, [8], 3), {
        measured,
        label: 'c',
      });
      const gamma = scope.weight('gamma', [12], plainRows);
      const beta = scope.weight('beta', [12], plainRows);
      g.output('affine', groupNormStats(g, y, { gamma, beta, groups: 3, eps, label: 'stats' }));
      const { program, read } = await run.run(device, { scratchBytes: 2 ** 20 });
      const affine = await read('affine');
      program.dispose();
      return affine;
    };
    expectClose(await affineOf(true), await affineOf(false), { dtype: 'f32', reductionLength: 64 * 4 });
  });

  it('accept an empty batch', async () => {
    const run = new GraphRun('f32');
    const { graph: g, scope } = run;
    const y = conv2d(g, run.input('x', [0, 4, 4, 4]), convWeight(scope.in('c'), 8, [4], 3), { measured: true, label: 'c' }); // prettier-ignore
    g.output('y', y);
    const { program } = await run.run(device);
    expect(program.plan.segments[0]!.dispatches).toBe(0);
    program.dispose();
  });
});
