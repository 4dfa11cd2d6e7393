import { tensorBytes, type Graph, type Tensor } from '@pleinair/tensor';
import { tensorBuffer, wordBuffer } from '../shader/declare.js';
import { elementKernel, elementLanes } from '../shader/elementwise-kernel.js';
import { foldGrid, groupsFor } from '../shader/grid.js';
import { expectBindable } from '../shader/row-bands.js';
import { expectShape, expectThat } from '../shader/shape-checks.js';
import { uniformData, type UniformFields } from '../shader/uniforms.js';

const fields = { count: 'u32' } satisfies UniformFields;

/** What {@link solverStep} works on. */
export interface SolverStepOptions {
  /** f32 `[1 + slots, pictures, h, w, channels]`: latents, then what the solver keeps. Updated in place. */
  readonly planes: Tensor;
  /** f32: input scale, guidance scale, then coefficients `[1 + slots][slots + 3]` over [planes…, model output, noise]. */
  readonly step: Tensor;
  /**
   * f32 model outputs. Guided: one of `[2 · pictures, …]`, unconditional rows first, or two of `[pictures, …]`,
   * unconditional first. Else one of `[pictures, …]`.
   */
  readonly outputs: readonly Tensor[];
  readonly guided: boolean;
  /** f32 `[pictures, h, w, channels]`, for solvers that add noise. */
  readonly noise?: Tensor;
  readonly label: string;
}

/**
 * Classifier-free guidance (arXiv 2207.12598) and one solver step in a single pass:
 * `m = uncond + guidance · (cond − uncond)`, then every plane becomes its row of coefficients times the old planes, m and
 * the noise. Which solver it is, only the numbers in `step` say.
 *
 * @throws ShapeError
 */
export function solverStep(g: Graph, options: SolverStepOptions): void {
  const { planes, step, outputs, guided, noise, label } = options;
  const where = `solverStep ${label}`;
  const [planeCount, pictures, ...rest] = planes.shape as [number, number, ...number[]];
  const picturesShape = [pictures, ...rest];
  expectThat(
    where,
    planes.shape.length === 5 && [planes, step, ...outputs, ...(noise ? [noise] : [])].every((t) => t.dtype === 'f32'),
    `f32 operands and planes [planes, pictures, h, w, channels], got [${planes.shape.join(', ')}]. Make them with denoiserGraph.`,
  );
  expectShape(where, 'step', step, [2 + planeCount * (planeCount + 2)]);
  const inTurn = guided && outputs.length === 2;
  expectThat(where, outputs.length === 1 || inTurn, `one output, or two under guidance, got ${outputs.length}.`);
  for (const output of outputs) {
    expectShape(where, 'output', output, guided && !inTurn ? [2 * pictures, ...rest] : picturesShape);
  }
  if (noise) expectShape(where, 'noise', noise, picturesShape);
  const operands = [planes, step, ...outputs, ...(noise ? [noise] : [])];
  g.add({
    op: 'solverStep',
    label,
    inputs: operands,
    weights: [],
    outputs: [planes],
    lower({ profile }) {
      const count = tensorBytes(planes) / 16 / planeCount;
      if (count === 0) return [];
      expectBindable('solverStep', operands, profile);
      const sources = planeCount + 2;
      const kernel = elementKernel(
        {
          name: `latent/solver-${planeCount}${guided ? (inTurn ? '-in-turn' : '-guided') : ''}${noise ? '-noise' : ''}`,
          buffers: [
            tensorBuffer('planes', planes, profile),
            wordBuffer('step'),
            tensorBuffer('model', outputs[0]!, profile),
            ...(inTurn ? [tensorBuffer('conditional', outputs[1]!, profile)] : []),
            ...(noise ? [tensorBuffer('noise', noise, profile)] : []),
          ],
          uniforms: fields,
        },
        `
  let first = load_model(i);
${guided ? `  let second = ${inTurn ? 'load_conditional(i)' : 'load_model(u.count + i)'};\n  let m = first + bitcast<f32>(step[1]) * (second - first);` : '  let m = first;'}
${noise ? '  let n = load_noise(i);' : ''}
${range(planeCount, (p) => `  let old${p} = load_planes(${p}u * u.count + i);`)}
${range(planeCount, (p) => {
  const coefficient = (source: number): string => `bitcast<f32>(step[${2 + p * sources + source}])`;
  const terms = Array.from({ length: planeCount }, (_, s) => `${coefficient(s)} * old${s}`);
  terms.push(`${coefficient(planeCount)} * m`);
  if (noise) terms.push(`${coefficient(planeCount + 1)} * n`);
  return `  store_planes(${p}u * u.count + i, ${terms.join(' + ')});`;
})}`,
      );
      return [
        {
          kernel,
          bindings: operands.map((tensor) => ({ tensor })),
          uniforms: uniformData(fields, { count }),
          workgroups: foldGrid(groupsFor(count, elementLanes), profile),
          flops: count * 4 * (2 * planeCount * sources + (guided ? 3 : 0)),
          bytesMoved: operands.reduce((sum, t) => sum + tensorBytes(t), 0) + tensorBytes(planes),
        },
      ];
    },
  });
}

function range(count: number, line: (index: number) => string): string {
  return Array.from({ length: count }, (_, i) => line(i)).join('\n');
}
