import { describe, expect, test } from 'vitest';
import { add } from '../test/ops.js';
import { Graph, plainRows, rowStride, tensorBytes, WeightScope } from './index.js';

describe('a graph', () => {
  test('gives one weight for one checkpoint tensor, and refuses it two shapes', () => {
    const g = new Graph('g', { dtype: 'f16' });
    const scope = new WeightScope(g).in('down_blocks.0').in('conv1');
    const w = scope.weight('weight', [3, 5], plainRows);
    expect([w.source.name, w.storage, w.byteLength]).toEqual(['down_blocks.0.conv1.weight', 'f16', 3 * 8 * 2]);
    expect(scope.weight('weight', [3, 5], plainRows)).toBe(w);
    expect(scope.weight('weight', [3, 5], plainRows, 'f32')).not.toBe(w);
    expect(() => scope.weight('weight', [5, 3], plainRows)).toThrow(
      /expected \[3, 5\] as recorded before, got \[5, 3\]/,
    );
    expect(g.weights.length).toBe(2);
  });

  test('refuses nodes outside segments, names twice, and broken shapes', () => {
    const g = new Graph('g', { dtype: 'f32' });
    const x = g.input('x', [4]);
    expect(() => add(g, x, x)).toThrow(expect.objectContaining({ code: 'graph/no-segment' }));
    expect(() => g.input('x', [4])).toThrow(expect.objectContaining({ code: 'graph/name-taken' }));
    expect(g.output('x', x)).toBe(x);
    for (const shape of [[-1], [1.5], [NaN]]) {
      expect(() => g.tensor('t', shape)).toThrow(expect.objectContaining({ code: 'shape/invalid' }));
    }
  });

  test('keeps what one segment writes and another reads', () => {
    const g = new Graph('g', { dtype: 'f32' });
    const x = g.input('x', [4]);
    g.segment('first');
    const inner = add(g, x, g.state('s', [4]), 'inner');
    const shared = add(g, inner, x, 'shared');
    g.segment('second');
    const y = add(g, shared, x, 'y');
    const kept = g.persistent();
    expect([kept.has(x), kept.has(inner), kept.has(shared), kept.has(y)]).toEqual([true, false, true, false]);
  });
});

test('rows are padded to whole vec4s', () => {
  expect([rowStride([]), rowStride([3]), rowStride([2, 8])]).toEqual([4, 4, 8]);
  expect(tensorBytes({ shape: [], dtype: 'f16' })).toBe(8);
  expect(tensorBytes({ shape: [2, 3, 5], dtype: 'f32' })).toBe(6 * 8 * 4);
  expect(tensorBytes({ shape: [0, 5], dtype: 'f32' })).toBe(0);
});

test('plain rows pack in bands as they do whole', () => {
  const values = Float32Array.from({ length: 35 }, (_, i) => i + 1);
  const whole = new Float32Array(plainRows.elements([7, 5]));
  const banded = new Float32Array(whole.length);
  for (const { elementOffset, values: v } of plainRows.pack(values, 0, 7, [7, 5])) whole.set(v, elementOffset);
  for (const [first, rows] of [
    [0, 4],
    [4, 3],
  ] as const) {
    const band = values.slice(first * 5, (first + rows) * 5);
    for (const piece of plainRows.pack(band, first, rows, [7, 5])) banded.set(piece.values, piece.elementOffset);
  }
  expect(banded).toEqual(whole);
  expect([...whole.subarray(0, 9)]).toEqual([1, 2, 3, 4, 5, 0, 0, 0, 6]);
  expect(plainRows.elements([6])).toBe(8);
  expect([...plainRows.pack(values.slice(0, 6), 0, 6, [6])[0]!.values]).toEqual([1, 2, 3, 4, 5, 6, 0, 0]);
});
