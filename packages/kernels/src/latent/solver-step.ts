import { rowCount, rowStride, tensorBytes, type BoundTensor, type Graph, type Tensor } from '@pleinair/tensor';
import { tensorBuffer, wordBuffer } from '../shader/declare.js';
import { elementKernel, elementLanes } from '../shader/elementwise-kernel.js';
import { foldGrid, groupsFor } from '../shader/grid.js';
import { expectShape, expectThat } from '../shader/shape-checks.js';
import { uniformData, type UniformFields } from '../shader/uniforms.js';

/** Options of {@link solverStep}. */
export interface SolverStepOptions {
  /** f32 `[1 + slots, pictures, h, w, c]`: the latents, then what the solver keeps. Updated in place. */
  readonly planes: Tensor;
  /** f32: input scale, guidance, then `[1 + slots][slots + 3]` coefficients row by row; more may follow. */
  readonly step: Tensor;
  /**
   * The model's output: one tensor, `[pictures, h, w, c]` without guidance or `[2·pictures, h, w, c]` with it
   * (unconditional half first), or two, unconditional and conditional, when the halves ran in turn.
   */
  readonly outputs: readonly Tensor[];
  readonly guided: boolean;
  /** f32 `[pictures, h, w, c]`, where the solver draws. */
  readonly noise?: Tensor;
  /** Where in the model this stands. */
  readonly label: string;
}

const fields = { count: 'u32' } satisfies UniformFields;

/**
 * Guidance and one update of any linear solver in one kernel: m = uncond + guidance·(cond − uncond), then every plane
 * becomes Σ coefficient·source over the old planes, m and the noise. All that changes from step to step is `step`, a
 * few numbers.
 *
 * @throws ShapeError when operands do not fit together.
 */
export function solverStep(g: Graph, options: SolverStepOptions): void {
  const { planes, step, outputs, guided, noise, label } = options;
  const where = `solverStep ${label}`;
  expectThat(
    where,
    planes.shape.length === 5 && planes.dtype === 'f32' && planes.shape[0]! > 0,
    `f32 planes [1 + slots, pictures, h, w, c], got ${planes.dtype} [${planes.shape.join(', ')}]. Keep solver state in f32.`,
  );
  const [planeCount, pictures, ...rest] = planes.shape as [number, number, number, number, number];
  const slots = planeCount - 1;
  const numbers = 2 + planeCount * (slots + 3);
  expectThat(
    where,
    step.dtype === 'f32' && step.shape.length === 1 && step.shape[0]! >= numbers,
    `f32 step of at least ${numbers} numbers, got ${step.dtype} [${step.shape.join(', ')}]. Keep coefficients in f32.`,
  );
  const inOne = outputs.length === 1;
  expectThat(
    where,
    inOne || (guided && outputs.length === 2),
    `one output, or two under guidance, got ${outputs.length}. Give the unconditional one first.`,
  );
  for (const output of outputs)
    expectShape(where, 'output', output, [inOne && guided ? 2 * pictures : pictures, ...rest]);
  if (noise) {
    expectShape(where, 'noise', noise, [pictures, ...rest]);
    expectThat(where, noise.dtype === 'f32', `f32 noise, got ${noise.dtype}. Keep noise in f32.`);
  }
  const operands = [planes, step, ...outputs, ...(noise ? [noise] : [])];
  g.add({
    op: 'solverStep',
    label,
    inputs: operands,
    weights: [],
    outputs: [planes],
    lower({ profile }) {
      const count = (rowCount(planes.shape) * rowStride(planes.shape)) / 4 / planeCount;
      if (count === 0) return [];
      const sources = slots + 3;
      const second = inOne ? 'load_m(i + u.count)' : 'load_conditional(i)';
      const range = Array.from({ length: planeCount }, (_, p) => p);
      const sum = (row: number): string => {
        const at = 2 + row * sources;
        const terms = range.map((p) => `number(${at + p}u) * plane${p}`);
        terms.push(`number(${at + planeCount}u) * m`);
        if (noise) terms.push(`number(${at + planeCount + 1}u) * load_noise(i)`);
        return terms.join(' + ');
      };
      const kernel = elementKernel(
        {
          name: 'latent/solver-step',
          buffers: [
            tensorBuffer('planes', planes, profile),
            wordBuffer('numbers'),
            tensorBuffer('m', outputs[0]!, profile),
            ...(inOne ? [] : [tensorBuffer('conditional', outputs[1]!, profile)]),
            ...(noise ? [tensorBuffer('noise', noise, profile)] : []),
          ],
          uniforms: fields,
        },
        [
          ...range.map((p) => `  let plane${p} = load_planes(i + ${p}u * u.count);`),
          guided
            ? `  let uncond = load_m(i);\n  let m = uncond + number(1u) * (${second} - uncond);`
            : '  let m = load_m(i);',
          ...range.map((p) => `  let next${p} = ${sum(p)};`),
          // Only now: every row reads the old values.
          ...range.map((p) => `  store_planes(i + ${p}u * u.count, next${p});`),
        ].join('\n'),
        'fn number(i: u32) -> f32 { return bitcast<f32>(numbers[i]); }',
      );
      const bindings: BoundTensor[] = operands.map((tensor) => ({ tensor }));
      return [
        {
          kernel,
          bindings,
          uniforms: uniformData(fields, { count }),
          workgroups: foldGrid(groupsFor(count, elementLanes), profile),
          flops: (rowCount(planes.shape) / planeCount) * rest[2] * (planeCount * 2 * sources + (guided ? 3 : 0)),
          bytesMoved: 2 * tensorBytes(planes) + operands.slice(1).reduce((bytes, t) => bytes + tensorBytes(t), 0),
        },
      ];
    },
  });
}
