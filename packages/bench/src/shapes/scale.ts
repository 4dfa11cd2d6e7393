import type { OpCase, OpSuite } from '../ops/op-case.js';
import { inputShape, scaled, scaleNote } from '../ops/op-spec.js';
import { namedShapes, palettizedShapes, type NamedShape } from './named-shapes.js';

/**
 * How large the shapes are: `full` as the models have them; `reduced` and `least` divided in space by the factors that
 * each shape states.
 */
export const scaleNames = ['full', 'reduced', 'least'] as const;
export type ScaleName = (typeof scaleNames)[number];

/** How long all suites may take: a visitor waits two minutes, a comparison with peers a quarter of an hour. */
export type Patience = 'two minutes' | 'a quarter of an hour';

/** What the scale is chosen by. */
export interface MeasuredRates {
  /** Multiply-adds in registers, GFLOP/s; a multiply-add counts 2. */
  readonly fmaGflops: number;
  /** GFLOP/s of the slowest engine in the smallest form of a convolution. */
  readonly slowestGflops: number;
}

/** The least rates at which full shapes take seconds. */
const fullFrom: MeasuredRates = { fmaGflops: 300, slowestGflops: 20 };

/**
 * The least rate of the slowest engine at which reduced shapes, some two GFLOP each and done some forty times, end in
 * time. ONNX Runtime reads 0.3 on SwiftShader and 4 on lavapipe; Pleinair 4 and 30.
 */
const reducedFrom: Readonly<Record<Patience, number>> = { 'two minutes': 10, 'a quarter of an hour': 1.2 };

/** The scale at which all suites end in time, by what was measured. */
export function scaleFor({ fmaGflops, slowestGflops }: MeasuredRates, patience: Patience): ScaleName {
  if (fmaGflops >= fullFrom.fmaGflops && slowestGflops >= fullFrom.slowestGflops) return 'full';
  return slowestGflops >= reducedFrom[patience] ? 'reduced' : 'least';
}

/** By how much a shape is divided at a scale. */
export function divisorOf({ divisors }: NamedShape, scale: ScaleName): number {
  return scale === 'full' ? 1 : divisors[scale === 'reduced' ? 0 : 1];
}

/** Which cases to take. */
export interface CaseOptions {
  readonly scale: ScaleName;
  /** Only the first one or two of a suite. */
  readonly quick?: boolean;
  /** Only shapes whose name holds this text. */
  readonly filter?: string;
}

/** The cases of a suite in the size of a scale. */
export function opCases(suite: OpSuite, { scale, quick, filter = '' }: CaseOptions): OpCase[] {
  return [...namedShapes, ...palettizedShapes]
    .filter((shape) => shape.suite === suite && (!quick || shape.quick))
    .map((shape) => opCase(shape, divisorOf(shape, scale)))
    .filter(({ shape }) => shape.includes(filter));
}

/** A named shape, its sides or rows divided. */
export function opCase(named: NamedShape, divisor: number): OpCase {
  const spec = scaled(named.spec, divisor);
  const sizes = inputShape(spec).join('×');
  const shape = [named.name, sizes, scaleNote(named.spec, divisor)].filter((part) => part !== '').join(', ');
  return { suite: named.suite, shape, spec, divisor, palette: named.palette, variant: named.variant };
}
