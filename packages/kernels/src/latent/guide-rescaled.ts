import { rowCount, rowStride, tensorBytes, type Graph, type Tensor } from '@pleinair/tensor';
import { composeKernel } from '../shader/compose.js';
import { tensorBuffer, wordBuffer } from '../shader/declare.js';
import { elementKernel, elementLanes } from '../shader/elementwise-kernel.js';
import { foldGrid, groupIndexText, groupsFor } from '../shader/grid.js';
import { expectShape, expectThat } from '../shader/shape-checks.js';
import { teamOf } from '../shader/team.js';
import { uniformData, type UniformFields } from '../shader/uniforms.js';

/** Options of {@link guideRescaled}. */
export interface GuideRescaledOptions {
  /**
   * The model's output: one tensor `[2·pictures, h, w, c]`, unconditional half first, or two `[pictures, h, w, c]`,
   * unconditional and conditional, when the halves ran in turn.
   */
  readonly outputs: readonly Tensor[];
  /** f32 numbers of the step; the second is the guidance scale. */
  readonly step: Tensor;
  /** Where in `step` φ lies, how much of the rescaled prediction is mixed in: 0 none, 1 all. */
  readonly rescale: number;
  /** Where in the model this stands. */
  readonly label: string;
}

const fields = {
  count: 'u32',
  perPicture: 'u32',
  pictures: 'u32',
  columns: 'u32',
  channels: 'u32',
  conditional: 'u32',
  rescale: 'u32',
} satisfies UniformFields;

/**
 * Guidance whose result is brought back to the spread of the conditional prediction (arXiv 2305.08891, section 3.4):
 * g = uncond + guidance·(cond − uncond), then g·(φ·std(cond)/std(g) + 1 − φ), the deviations over each picture.
 *
 * @returns f32 `[pictures, h, w, c]`: what a solver takes as its model's output.
 * @throws ShapeError when operands do not fit together.
 */
export function guideRescaled(g: Graph, options: GuideRescaledOptions): Tensor {
  const { outputs, step, rescale, label } = options;
  const where = `guideRescaled ${label}`;
  const inOne = outputs.length === 1;
  const first = outputs[0]!;
  expectThat(where, inOne || outputs.length === 2, `one output or two, got ${outputs.length}. Guide a pair.`);
  expectThat(
    where,
    first.shape.length === 4 && (!inOne || first.shape[0]! % 2 === 0),
    `outputs [pictures, h, w, c], both halves, got [${first.shape.join(', ')}]. Evaluate the model for a guided pair.`,
  );
  if (!inOne) expectShape(where, 'conditional output', outputs[1]!, first.shape);
  expectThat(
    where,
    step.dtype === 'f32' && step.shape.length === 1 && step.shape[0]! > Math.max(1, rescale),
    `f32 step of at least ${Math.max(1, rescale) + 1} numbers, got ${step.dtype} [${step.shape.join(', ')}]. Add φ.`,
  );
  const pictures = first.shape[0]! / (inOne ? 2 : 1);
  const shape = [pictures, ...first.shape.slice(1)];
  const out = g.tensor(label, shape, 'f32');
  g.add({
    op: 'guideRescaled',
    label,
    inputs: [...outputs, step],
    weights: [],
    outputs: [out],
    lower(context) {
      const { profile } = context;
      const channels = shape[3]!;
      const count = (rowCount(shape) * rowStride(shape)) / 4;
      if (count === 0) return [];
      const factors = context.scratch('factors', [pictures], 'f32');
      const team = teamOf('workgroup', ['sum'], profile);
      const buffers = [
        tensorBuffer('m', first, profile),
        ...(inOne ? [] : [tensorBuffer('second', outputs[1]!, profile)]),
        wordBuffer('numbers'),
        wordBuffer('factors'),
      ];
      const reading = `
fn cond(i: u32) -> vec4<f32> { return ${inOne ? 'load_m(i + u.conditional)' : 'load_second(i)'}; }
fn guided(i: u32) -> vec4<f32> {
  let uncond = load_m(i);
  return uncond + bitcast<f32>(numbers[1]) * (cond(i) - uncond);
}`;
      // A picture's latents are small (a megabyte at 1024²): one team walks them twice, so deviations are exact two-pass.
      const measure = composeKernel({
        name: 'latent/guide-measure',
        buffers,
        uniforms: fields,
        enables: team.enables,
        body: `${team.text}
${reading}
// 1 for channels, 0 for the pad lanes of a row's last vec4.
fn channelMask(i: u32) -> vec4<f32> {
  return select(vec4<f32>(0.0), vec4<f32>(1.0), vec4<u32>(0u, 1u, 2u, 3u) + 4u * (i % u.columns) < vec4<u32>(u.channels));
}

@compute @workgroup_size(${team.lanes})
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let picture = ${groupIndexText};
  if (picture >= u.pictures) { return; }
  let begin = picture * u.perPicture;
  let values = f32(u.perPicture / u.columns * u.channels);
  var condSum = vec4<f32>(0.0);
  var guidedSum = vec4<f32>(0.0);
  for (var c = lane; c < u.perPicture; c += ${team.lanes}u) {
    condSum += cond(begin + c);
    guidedSum += guided(begin + c);
  }
  let condMean = teamSum(lane, dot(condSum, vec4<f32>(1.0))) / values;
  let guidedMean = teamSum(lane, dot(guidedSum, vec4<f32>(1.0))) / values;
  var condSquares = 0.0;
  var guidedSquares = 0.0;
  for (var c = lane; c < u.perPicture; c += ${team.lanes}u) {
    let mask = channelMask(begin + c);
    let dc = (cond(begin + c) - condMean) * mask;
    let dg = (guided(begin + c) - guidedMean) * mask;
    condSquares += dot(dc, dc);
    guidedSquares += dot(dg, dg);
  }
  let condAll = teamSum(lane, condSquares);
  let guidedAll = teamSum(lane, guidedSquares);
  if (lane == 0u) {
    let phi = bitcast<f32>(numbers[u.rescale]);
    factors[picture] = bitcast<u32>(phi * sqrt(condAll / guidedAll) + 1.0 - phi);
  }
}`,
      });
      const apply = elementKernel(
        { name: 'latent/guide-apply', buffers: [...buffers, tensorBuffer('out', out, profile)], uniforms: fields },
        '  store_out(i, guided(i) * bitcast<f32>(factors[i / u.perPicture]));',
        reading,
      );
      const uniforms = uniformData(fields, {
        count,
        perPicture: count / pictures,
        pictures,
        columns: Math.ceil(channels / 4),
        channels,
        conditional: count,
        rescale,
      });
      const operands = [...outputs, step].map((tensor) => ({ tensor }));
      const values = rowCount(shape) * channels;
      const read = outputs.reduce((bytes, tensor) => bytes + tensorBytes(tensor), 0);
      return [
        {
          kernel: measure,
          bindings: [...operands, { tensor: factors }],
          uniforms,
          workgroups: foldGrid(pictures, profile),
          flops: values * 14,
          bytesMoved: 2 * read,
        },
        {
          kernel: apply,
          bindings: [...operands, { tensor: factors }, { tensor: out }],
          uniforms,
          workgroups: foldGrid(groupsFor(count, elementLanes), profile),
          flops: values * 4,
          bytesMoved: read + tensorBytes(out),
        },
      ];
    },
  });
  return out;
}
