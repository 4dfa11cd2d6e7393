import { tensorBytes, type DeviceProfile, type Dispatch, type Tensor } from '@pleinair/tensor';
import { blockVec4s } from '../product/layout.js';
import { columnsOf } from '../shader/columns.js';
import { tensorBuffer } from '../shader/declare.js';
import { elementKernel, elementLanes } from '../shader/elementwise-kernel.js';
import { foldGrid, groupsFor } from '../shader/grid.js';
import { uniformData, type UniformFields } from '../shader/uniforms.js';
import { keyBlock } from './score-tiles.js';
import { headColumns, headLoadText, type AttentionProblem } from './variant.js';

/** Uniforms of the kernel; `firstHead` and `firstKey` tell runs of one size apart. */
export const transposeFields = {
  count: 'u32',
  firstHead: 'u32',
  heads: 'u32',
  keys: 'u32',
  firstKey: 'u32',
  key4s: 'u32',
  headDim: 'u32',
  headColumns: 'u32',
  kColumns: 'u32',
} satisfies UniformFields;

/** A run of heads, numbered through all images, and of their keys. */
export interface KeyRun {
  readonly firstHead: number;
  readonly heads: number;
  /** A multiple of 4. */
  readonly firstKey: number;
  readonly keys: number;
}

/**
 * Lays a run of keys down as products read their weights, `[heads][⌈keys / 32⌉][d][32]`: one vec4 holds one channel of four
 * keys. What follows the last key repeats it.
 */
export function transposeKeys(
  problem: AttentionProblem,
  run: KeyRun,
  transposed: Tensor,
  profile: DeviceProfile,
): Dispatch {
  const { k } = problem;
  const columns = headColumns(problem);
  const key4s = Math.ceil(run.keys / keyBlock) * blockVec4s;
  const count = run.heads * key4s * columns;
  const kernel = elementKernel(
    {
      name: 'attention/transpose-keys',
      buffers: [tensorBuffer('k', k, profile), tensorBuffer('transposed', transposed, profile)],
      uniforms: transposeFields,
    },
    `  let key4 = i % u.key4s;
  let column = (i / u.key4s) % u.headColumns;
  let inRun = i / (u.key4s * u.headColumns);
  let image = (u.firstHead + inRun) / u.heads;
  let head = (u.firstHead + inRun) % u.heads;
  let first = u.firstKey + key4 * 4u;
${[0, 1, 2, 3].map((j) => `  let k${j} = head_k(image * u.keys + min(first + ${j}u, u.keys - 1u), head, column);`).join('\n')}
  let at = ((inRun * (u.key4s / ${blockVec4s}u) + key4 / ${blockVec4s}u) * u.headColumns + column) * ${4 * blockVec4s}u + key4 % ${blockVec4s}u;
${[0, 1, 2, 3].map((c) => `  store_transposed(at + ${c * blockVec4s}u, vec4<f32>(k0[${c}], k1[${c}], k2[${c}], k3[${c}]));`).join('\n')}`,
    headLoadText('head_k', 'k', 'u.kColumns', problem),
  );
  const share = (run.heads * run.keys) / (problem.batch * problem.heads * problem.keys);
  return {
    kernel,
    bindings: [{ tensor: k }, { tensor: transposed }],
    uniforms: uniformData(transposeFields, {
      count,
      firstHead: run.firstHead,
      heads: problem.heads,
      keys: problem.keys,
      firstKey: run.firstKey,
      key4s,
      headDim: problem.headDim,
      headColumns: columns,
      kColumns: columnsOf(k),
    }),
    workgroups: foldGrid(groupsFor(count, elementLanes), profile),
    flops: 0,
    bytesMoved: tensorBytes(k) * share + transposedBytes(problem, run.heads, run.keys),
  };
}

/** Bytes of transposed keys. */
export function transposedBytes(problem: AttentionProblem, heads: number, keys: number): number {
  return heads * Math.ceil(keys / keyBlock) * keyBlock * headColumns(problem) * (problem.k.dtype === 'f16' ? 8 : 16);
}
