import { rowCount, type DeviceProfile, type Graph, type LowerContext, type Tensor } from '@pleinair/tensor';
import { worthTiming } from '../product/variant.js';
import { expectBindable } from '../shader/row-bands.js';
import { expectShape, expectThat } from '../shader/shape-checks.js';
import { ordered, variantOrder } from './order.js';
import { repackHeads } from './repack.js';
import { splitVariants } from './split.js';
import { streamed } from './streamed.js';
import { tiled } from './tiled.js';
import {
  headColumns,
  headsAligned,
  type AttentionFamily,
  type AttentionProblem,
  type AttentionVariant,
} from './variant.js';

/** Options of {@link attention}. */
export interface AttentionOptions {
  /** `[batch, …, heads·d]`: channels last, any number of token dimensions. */
  readonly q: Tensor;
  /** `[batch, …, heads·d]`; its own number of tokens. May be the same tensor as `q` or `v`. */
  readonly k: Tensor;
  readonly v: Tensor;
  readonly heads: number;
  /** Token i sees tokens 0 … i only. */
  readonly causal?: boolean;
  /** @defaultValue 1/√d */
  readonly scale?: number;
  /** Where in the model this stands. */
  readonly label: string;
}

/** The ways attention can be computed. */
export const attentionVariants: readonly AttentionVariant[] = [tiled, streamed, ...splitVariants];

/**
 * softmax(q·kᵀ·scale)·v for every head, softmax in f32: self, cross or causal attention. No score matrix is kept, or only
 * a bounded tile of it.
 *
 * @returns A tensor of `q`'s shape and dtype.
 * @throws ShapeError when widths, batches or token counts do not fit together, or there are no keys.
 */
export function attention(g: Graph, options: AttentionOptions): Tensor {
  const { q, k, v, heads, label, causal = false } = options;
  const where = `attention ${label}`;
  expectThat(
    where,
    [q, k, v].every((t) => t.shape.length >= 3),
    `q, k and v [batch, tokens, channels], got [${q.shape.join(', ')}], [${k.shape.join(', ')}] and [${v.shape.join(', ')}]. Keep the batch dimension.`,
  );
  const channels = q.shape[q.shape.length - 1]!;
  const batch = q.shape[0]!;
  expectThat(
    where,
    Number.isInteger(heads) && heads > 0 && channels % heads === 0,
    `heads to divide ${channels} channels, got ${heads}. Check the model's config.`,
  );
  expectShape(where, 'k', k, [batch, ...k.shape.slice(1, -1), channels]);
  expectShape(where, 'v', v, k.shape);
  const queries = batch === 0 ? 0 : rowCount(q.shape) / batch;
  const keys = batch === 0 ? 0 : rowCount(k.shape) / batch;
  expectThat(where, queries === 0 || keys > 0, 'at least one key, got none. Give attention something to attend to.');
  const out = g.tensor(label, q.shape, q.dtype);
  const headDim = channels / heads;
  const scale = options.scale ?? 1 / Math.sqrt(headDim);
  const problem: AttentionProblem = { q, k, v, out, batch, queries, keys, heads, headDim, causal, scale };
  g.add({
    op: 'attention',
    label,
    inputs: [...new Set([q, k, v])],
    weights: [],
    outputs: [out],
    lower(context) {
      if (batch * queries * channels === 0) return [];
      expectBindable('attention', [q, k, v, out], context.profile);
      const variant = chooseVariant(problem, context);
      if (headsAligned(problem)) return variant.lower(problem, context);
      const packed = context.scratch('heads', [batch * queries, heads * headColumns(problem) * 4], out.dtype);
      expectBindable('attention', [packed], context.profile);
      return [
        ...variant.lower({ ...problem, out: packed }, context),
        repackHeads(problem, packed, out, context.profile),
      ];
    },
  });
  return out;
}

/** Names the problem for the tuner: everything that its speed depends on. */
function shapeKey({ q, k, batch, queries, keys, heads, headDim, causal }: AttentionProblem): string {
  return `attention|${batch}x${heads}|${queries}x${keys}|${headDim}|${causal ? 'causal' : 'full'}|${q.dtype}${k.dtype}`;
}

/** The tuner's variant, or the one to take where nothing was timed. */
function chooseVariant(problem: AttentionProblem, context: LowerContext): AttentionVariant {
  const { profile } = context;
  const able = ableVariants(problem, profile);
  const timed = worthTiming(able, profile);
  const guess = able[0]!;
  const picked = context.pick(
    shapeKey(problem),
    able.map(({ name }) => name),
    (timed.includes(guess) ? timed : [guess, ...timed]).map(({ name }) => name),
  );
  return able.find(({ name }) => name === picked) ?? guess;
}

/** The variants that can do a problem, in the order in which they are taken where nothing was timed. */
function ableVariants(problem: AttentionProblem, profile: DeviceProfile): readonly AttentionVariant[] {
  const able = attentionVariants.filter((variant) => variant.unsupported(problem, profile) === undefined);
  return ordered(able, variantOrder(problem, profile));
}

/** The family of a variant, by its name in plans and in the tuner's memory; nothing for names of other ops. */
export function attentionFamily(variant: string): AttentionFamily | undefined {
  return attentionVariants.find((v) => v.name === variant)?.family;
}
