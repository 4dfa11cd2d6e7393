import { Graph, plainRows, ShapeError, WeightScope } from '@pleinair/tensor';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { conv2d, convWeight } from './conv2d.js';
import { convGeometry, inputRows } from './geometry.js';

function graph(): { g: Graph; scope: WeightScope } {
  const g = new Graph('test', { dtype: 'f16' });
  g.segment('run');
  return { g, scope: new WeightScope(g) };
}

describe('convGeometry', () => {
  // Output sizes as torch.nn.functional.conv2d gives them; asymmetric is F.pad(x, (0, 1, 0, 1)) and padding=0.
  it.each([
    [{ kernel: 3 }, [9, 8], [9, 8]],
    [{ kernel: 3, stride: 2 }, [9, 8], [5, 4]],
    [{ kernel: 3, stride: 2, padding: 'asymmetric' }, [9, 8], [4, 4]],
    [{ kernel: 3, upsample: 2 }, [9, 8], [18, 16]],
    [{ kernel: 1 }, [9, 8], [9, 8]],
    [{ kernel: 1, stride: 2 }, [9, 8], [5, 4]],
  ] as const)('%o', (options, [height, width], [outHeight, outWidth]) => {
    expect(convGeometry('test', [2, height, width, 4], options)).toMatchObject({ outHeight, outWidth });
  });

  it('finds the rows a band reads: never fewer than its taps touch, and only whole lines', () => {
    const sizes = fc.record({
      batch: fc.integer({ min: 1, max: 3 }),
      height: fc.integer({ min: 2, max: 9 }),
      width: fc.integer({ min: 2, max: 5 }),
      stride: fc.constantFrom(1 as const, 2 as const),
      padding: fc.constantFrom('same' as const, 'asymmetric' as const),
      upsample: fc.constantFrom(undefined, 2 as const),
      from: fc.nat(100),
      count: fc.integer({ min: 1, max: 12 }),
    });
    fc.assert(
      fc.property(sizes, ({ batch, height, width, from, count, ...options }) => {
        const geometry = convGeometry('test', [batch, height, width, 4], { kernel: 3, ...options });
        const lines = batch * geometry.outHeight;
        const first = from % lines;
        const end = Math.min(lines, first + count);
        const band = { first: first * geometry.outWidth, end: end * geometry.outWidth };
        const touched = new Set<number>();
        for (let line = first; line < end; line++) {
          for (let tap = 0; tap < 3; tap++) {
            const y = (line % geometry.outHeight) * geometry.stride - geometry.pad + tap;
            if (y < 0 || y >= geometry.height) continue;
            touched.add(Math.floor(line / geometry.outHeight) * height + Math.floor(y / geometry.upsample));
          }
        }
        const rows = inputRows(geometry, band);
        expect(rows.first).toBe(Math.min(...touched) * width);
        expect(rows.end).toBe((Math.max(...touched) + 1) * width);
      }),
    );
  });
});

describe('conv2d refuses', () => {
  it('a weight of other channels, saying what to check', () => {
    const { g, scope } = graph();
    const x = g.input('x', [1, 4, 4, 8]);
    const w = convWeight(scope.in('conv_in'), 16, [6], 3);
    expect(() => conv2d(g, x, w, { label: 'conv_in' })).toThrow(ShapeError);
    expect(() => conv2d(g, x, w, { label: 'conv_in' })).toThrow(
      /conv2d conv_in: expected .*16, 8, 3, 3.*got .*16, 6, 3, 3/,
    );
  });

  it('a weight split otherwise than its inputs', () => {
    const { g, scope } = graph();
    const w = convWeight(scope, 16, [8, 4], 3);
    const x = g.input('x', [1, 4, 4, 4]);
    const second = g.input('second', [1, 4, 4, 8]);
    expect(() => conv2d(g, x, w, { second, label: 'up' })).toThrow(/layout conv32\[4,8\].*got conv32\[8,4\]/);
  });

  it('a residual, a bias, a time embedding of the wrong shape', () => {
    const { g, scope } = graph();
    const w = convWeight(scope, 16, [8], 3);
    const x = g.input('x', [2, 4, 4, 8]);
    const options = { stride: 2, label: 'down' } as const;
    expect(() => conv2d(g, x, w, { ...options, residual: x })).toThrow(/residual.*\[2, 2, 2, 16\]/);
    expect(() => conv2d(g, x, w, { ...options, perImage: g.input('t', [1, 16]) })).toThrow(/\[2, 16\]/);
    expect(() => conv2d(g, x, w, { ...options, bias: scope.weight('b', [8], plainRows) })).toThrow(/bias.*\[16\]/);
    expect(() => conv2d(g, g.input('flat', [2, 16, 8]), w, options)).toThrow(/\[batch, height, width, channels\]/);
    expect(() => conv2d(g, g.input('ids', [2, 4, 4, 8], 'u32'), w, options)).toThrow(/f32 or f16.*u32/);
  });
});
