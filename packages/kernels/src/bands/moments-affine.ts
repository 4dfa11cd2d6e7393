import type { BoundTensor, BoundWeight, Graph, Tensor, Weight } from '@pleinair/tensor';
import { padTo4 } from '../product/layout.js';
import { weightBuffer, wordBuffer } from '../shader/declare.js';
import { elementKernel, elementLanes } from '../shader/elementwise-kernel.js';
import { foldGrid, groupsFor } from '../shader/grid.js';
import { expectShape, expectThat, expectWeightShape } from '../shader/shape-checks.js';
import type { BufferDeclaration } from '../shader/storage.js';
import { uniformData, type UniformFields } from '../shader/uniforms.js';

/** Options of {@link momentsAffine}. */
export interface MomentsAffineOptions {
  /** Scale and shift per channel, `[C]`, layout `plainRows`. */
  readonly gamma: Weight;
  readonly beta: Weight;
  readonly eps: number;
  /**
   * How far moments like these were off when last seen: `guessed` was taken for them, `found` came out. The same is
   * expected again: the mean as many deviations away, the variance as many times as large.
   */
  readonly correction?: { readonly guessed: Tensor; readonly found: Tensor };
  /** The code that what is normalised is stored by, and its moments are of; see `nextCode`. Not with a correction. */
  readonly code?: Tensor;
  readonly label: string;
}

const fields = {
  count: 'u32',
  channels: 'u32',
  group_channels: 'u32',
  eps: 'f32',
} satisfies UniformFields;

/**
 * Scale and shift per channel of a group norm, `x·a + b`, from its groups' moments.
 *
 * @param moments - f32 `[groups, 4]` as `groupMoments` gives them.
 * @returns f32 `[1, 2, C']`: scales, then shifts; `C'` is the channels padded to 4, pad lanes zero.
 * @throws ShapeError `shape/mismatch`.
 */
export function momentsAffine(g: Graph, moments: Tensor, options: MomentsAffineOptions): Tensor {
  const { gamma, beta, eps, correction, code, label } = options;
  const where = `momentsAffine ${label}`;
  const [channels = 0] = gamma.source.shape;
  const [groups = 0] = moments.shape;
  expectShape(where, 'moments of', moments, [groups, 4]);
  expectWeightShape(where, 'gamma', gamma, [channels]);
  expectWeightShape(where, 'beta', beta, [channels]);
  expectThat(where, groups > 0 && channels % groups === 0, `groups to divide ${channels} channels, got ${groups}.`);
  if (correction) {
    for (const each of [correction.guessed, correction.found]) expectShape(where, 'moments of', each, [groups, 4]);
  }
  expectThat(where, !code || !correction, 'a code or a correction, got both. Correct moments of plain values.');
  if (code) expectShape(where, 'a code of', code, [1, 2, padTo4(channels)]);
  const out = g.tensor(label, [1, 2, padTo4(channels)], 'f32');
  const others = correction ? [correction.guessed, correction.found] : code ? [code] : [];
  g.add({
    op: 'momentsAffine',
    label,
    inputs: [moments, ...others],
    weights: [gamma, beta],
    outputs: [out],
    lower({ profile }) {
      const f32 = (name: string): BufferDeclaration => ({ name, form: 'f32', access: 'read_write' });
      const kernel = elementKernel(
        {
          name: 'bands/affine',
          buffers: [
            f32('moments'),
            ...(correction ? [f32('guessed'), f32('found')] : []),
            ...(code ? [f32('code')] : []),
            weightBuffer('gamma', gamma, profile),
            weightBuffer('beta', beta, profile),
            wordBuffer('affine'),
          ],
          uniforms: fields,
        },
        `  var a = 0.0;
  var b = 0.0;
  if (i < u.channels) {
    let own = load_moments(i / u.group_channels);
    var mean = own.y;
    var variance = own.z / own.x + u.eps;
${
  correction
    ? `    let guessed = load_guessed(i / u.group_channels);
    let found = load_found(i / u.group_channels);
    let taken = guessed.z / guessed.x + u.eps;
    mean += (found.y - guessed.y) * sqrt(variance / taken);
    variance *= (found.z / found.x + u.eps) / taken;`
    : ''
}
${
  // A group norm's result knows nothing of scale or shift, but for epsilon.
  code
    ? `    let scale = load_code(i / 4u)[i % 4u];
    variance = own.z / own.x + u.eps / (scale * scale);`
    : ''
}
    a = load_gamma(i / 4u)[i % 4u] * inverseSqrt(variance);
    b = load_beta(i / 4u)[i % 4u] - mean * a;
  }
  affine[i] = bitcast<u32>(a);
  affine[u.count + i] = bitcast<u32>(b);`,
      );
      const count = padTo4(channels);
      const bindings: (BoundTensor | BoundWeight)[] = [
        { tensor: moments },
        ...others.map((tensor) => ({ tensor })),
        { weight: gamma },
        { weight: beta },
        { tensor: out },
      ];
      return [
        {
          kernel,
          bindings,
          uniforms: uniformData(fields, { count, channels, group_channels: channels / groups, eps }),
          workgroups: foldGrid(groupsFor(count, elementLanes), profile),
          flops: channels * 6,
          bytesMoved: groups * 16 * (1 + others.length) + gamma.byteLength + beta.byteLength + count * 8,
        },
      ];
    },
  });
  return out;
}
