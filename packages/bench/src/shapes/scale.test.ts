import { defaultProfile, Graph, planProgram, plainRows, WeightScope } from '@pleinair/tensor';
import { expect, it } from 'vitest';
import { shapeSuites } from '../ops/op-case.js';
import { inputShape, scaled } from '../ops/op-spec.js';
import { recordOp } from '../ops/record-op.js';
import { namedShapes, palettizedShapes } from './named-shapes.js';
import { opCase, opCases, scaleFor, scaleNames } from './scale.js';

it('divides space and nothing else', () => {
  for (const { spec } of namedShapes) {
    const [, ...full] = inputShape(spec);
    const [, ...small] = inputShape(scaled(spec, 4));
    expect(small.at(-1)).toBe(full.at(-1));
    const { side: _s, rows: _r, ...rest } = spec as { side?: number; rows?: object };
    expect(scaled(spec, 4)).toMatchObject(rest);
  }
  expect(inputShape(scaled({ op: 'layerNorm', rows: { side: 64 }, channels: 640 }, 4))).toEqual([1, 256, 640]);
  expect(inputShape(scaled({ op: 'layerNorm', rows: { count: 77 }, channels: 640 }, 4))).toEqual([1, 20, 640]);
});

it('says the factor in the name, in the unit that was divided', () => {
  const named = (name: string): string => {
    const shape = namedShapes.find((one) => one.name.includes(name))!;
    return opCase(shape, 8).shape;
  };
  expect(named('down_blocks.2 resnet')).toBe('sdxl down_blocks.2 resnet 3×3, 1×4×4×1280, sides ÷8');
  expect(named('text 2 mlp')).toMatch(/, 1×10×1280, rows ÷8$/);
  expect(opCase(namedShapes[0]!, 1).shape).toBe('square 1024, 1×1024×1024');
});

it('never divides less for slower adapters, and leaves something to measure', () => {
  for (const { divisors, spec } of namedShapes) {
    expect(divisors[1]).toBeGreaterThanOrEqual(divisors[0]);
    for (const divisor of divisors) {
      const side = 'side' in spec ? spec.side : 'side' in spec.rows ? spec.rows.side : undefined;
      // Sides divide evenly, so that the factor stated is the factor there is.
      if (side !== undefined) expect(side % divisor).toBe(0);
    }
  }
});

it('has quick shapes in every suite, and every name once', () => {
  for (const suite of shapeSuites) {
    const quick = opCases(suite, { scale: 'reduced', quick: true });
    expect(quick.length).toBeGreaterThan(0);
    expect(quick.length).toBeLessThan(opCases(suite, { scale: 'reduced' }).length);
  }
  for (const scale of scaleNames) {
    const names = shapeSuites.flatMap((suite) => opCases(suite, { scale }).map(({ shape }) => shape));
    expect(new Set(names).size).toBe(names.length);
  }
});

it('chooses the scale by what the slowest engine does', () => {
  // As read on lavapipe and SwiftShader with ONNX Runtime, and on a graphics card.
  expect(scaleFor({ fmaGflops: 48, slowestGflops: 3.6 }, 'a quarter of an hour')).toBe('reduced');
  expect(scaleFor({ fmaGflops: 25, slowestGflops: 0.3 }, 'a quarter of an hour')).toBe('least');
  expect(scaleFor({ fmaGflops: 20_000, slowestGflops: 1000 }, 'two minutes')).toBe('full');
  expect(scaleFor({ fmaGflops: 25, slowestGflops: 4 }, 'two minutes')).toBe('least');
});

it('keeps the least shapes small enough for an engine of a third of a GFLOP a second', () => {
  for (const suite of shapeSuites) {
    for (const { shape, spec } of opCases(suite, { scale: 'least' })) {
      const g = new Graph(suite, { dtype: 'f32' });
      g.segment('run');
      const scope = new WeightScope(g, 'set0');
      const x = recordOp(
        {
          g,
          scope,
          side: (name, sides) => g.input(name, sides),
          vector: (name, n) => scope.weight(name, [n], plainRows),
        },
        spec,
        g.input('x', inputShape(spec)),
      );
      expect(x.shape, shape).toEqual(inputShape(spec));
      expect(planProgram(g, defaultProfile).segments[0]!.flops, shape).toBeLessThan(0.66e9);
    }
  }
});

it('palettizes shapes of the models as they are, quick ones among them', () => {
  expect(palettizedShapes.every(({ palette, nodes }) => palette !== undefined && nodes !== undefined)).toBe(true);
  expect(new Set(palettizedShapes.map(({ palette }) => palette!.bits))).toEqual(new Set([1, 2, 3, 4, 6, 8]));
  for (const { name, spec, palette, variant } of palettizedShapes) {
    const told = [`${palette!.bits} bits`, ...(variant === undefined ? [] : [variant])].join(', ');
    expect(namedShapes.find((one) => `${one.name}, ${told}` === name)!.spec).toEqual(spec);
  }
  const [op] = opCases('palettized', { scale: 'full', filter: 'to_q, 6 bits' });
  expect(op).toMatchObject({ shape: 'sdxl down_blocks.2 to_q, 6 bits, 1×1024×1280', palette: { bits: 6 } });
  expect(opCases('matmul', { scale: 'full' }).every(({ palette }) => palette === undefined)).toBe(true);
});
