import { branchName, plainRows, type DeviceProfile, type Graph, type Tensor, type Weight } from '@pleinair/tensor';
import { columnsOf } from '../shader/columns.js';
import { tensorBuffer, weightBuffer } from '../shader/declare.js';
import { linearLayout } from './layout.js';
import type { Operand } from './parts.js';

/**
 * A low-rank side branch of a product, `+ rows · up`, that its epilogue adds to the sum before all else: the branch's
 * output is never written, and whatever the weight is stored as stays so.
 */
export interface Branch {
  /** What the branch's first factor makes of the input, f32 `[rows of the product, rank]`. */
  readonly rows: Tensor;
  /** Row of the product that the first of these is, where they are of a slice. */
  readonly origin?: number;
  /** `[rank, columns]`, plain rows. */
  readonly up: Weight;
}

/** The weights of a product's side branch: `down` `[rank, K]` as a linear layer's, `up` as rows. */
export interface BranchWeights {
  readonly rank: number;
  readonly down: Weight;
  readonly up: Weight;
}

/** The side branch that a graph has beside a product's weight, if any. */
export function branchWeights(g: Graph, w: Weight): BranchWeights | undefined {
  const { name, shape } = w.source;
  const rank = g.rankOf(name);
  if (rank === undefined) return undefined;
  const [n = 0, ...inner] = shape;
  return {
    rank,
    down: g.weight(branchName(name, 'down'), [rank, inner.reduce((a, b) => a * b, 1)], linearLayout),
    up: g.weight(branchName(name, 'up-rows'), [rank, n], plainRows),
  };
}

/** What an epilogue with a branch binds, and the text that adds it. */
export interface BranchText {
  readonly operands: readonly Operand[];
  readonly values: Readonly<Record<string, number>>;
  readonly text: string;
}

/** Uniforms of {@link branchText}. */
export const branchFields = { branch_rows_shift: 'u32', branch_rank4: 'u32', branch_columns: 'u32' } as const;

/** Defines `fn branch_at(m: u32, n4: u32) -> vec4<f32>`, n4 counting columns of the weight. */
export function branchText({ rows, origin = 0, up }: Branch, profile: DeviceProfile): BranchText {
  return {
    operands: [
      { declaration: tensorBuffer('branch_rows', rows, profile), source: rows, rows: (band) => band, origin },
      { declaration: weightBuffer('branch_up', up, profile), source: up },
    ],
    values: { branch_rank4: columnsOf(rows), branch_columns: Math.ceil(up.source.shape[1]! / 4) },
    text: `fn branch_at(m: u32, n4: u32) -> vec4<f32> {
  var sum = vec4<f32>();
  var at = n4;
  for (var r = 0u; r < u.branch_rank4; r++) {
    let row = load_branch_rows(m * u.branch_rank4 + r + u.branch_rows_shift);
    for (var i = 0u; i < 4u; i++) {
      sum += row[i] * load_branch_up(at);
      at += u.branch_columns;
    }
  }
  return sum;
}
`,
  };
}

/** Work that adding a side branch is for one row, a multiply-add being 2. */
export function branchFlops(branch: Branch | undefined): number {
  return branch ? 2 * branch.up.source.shape[0]! * branch.up.source.shape[1]! : 0;
}
