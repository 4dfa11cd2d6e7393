import { tensorBytes, type Graph, type Tensor, type Weight } from '@pleinair/tensor';
import { tensorBuffer, weightBuffer, wordBuffer } from '../shader/declare.js';
import { elementKernel, elementLanes } from '../shader/elementwise-kernel.js';
import { foldGrid, groupsFor } from '../shader/grid.js';
import { expectThat } from '../shader/shape-checks.js';
import { uniformData, type UniformFields } from '../shader/uniforms.js';
import { embeddingTable } from './table.js';

/** Options of {@link tokenEmbedding}. */
export interface TokenEmbeddingOptions {
  /** @defaultValue the graph's dtype */
  readonly outDtype?: 'f16' | 'f32';
  /** Where in the model this stands. */
  readonly label: string;
}

const ownFields = {
  count: 'u32',
  columns: 'u32',
  tokens: 'u32',
  idStride: 'u32',
  firstId: 'u32',
  ids: 'u32',
} satisfies UniformFields;

/**
 * Token and position embeddings added: ids u32 `[batch, tokens]` → `[batch, tokens, C]`.
 *
 * @param table - `[vocabulary, C]`, recorded by `embeddingWeight`; palettized ones are decoded as they are read. Bound in
 *   bands of rows, or of blocks of rows, where it is beyond the binding limit. An id beyond the vocabulary gives zeros for
 *   the token: tokenizers never make one, and silence beats reading past it.
 * @param positions - `[at least tokens, C]`, layout `plainRows`: few, so they are never palettized.
 * @throws ShapeError when widths differ, the table is empty or there are more tokens than positions.
 */
export function tokenEmbedding(
  g: Graph,
  ids: Tensor,
  table: Weight,
  positions: Weight,
  options: TokenEmbeddingOptions,
): Tensor {
  const where = `tokenEmbedding ${options.label}`;
  const [vocabulary = 0, channels = 0] = table.source.shape;
  expectThat(
    where,
    ids.shape.length === 2 && ids.dtype === 'u32',
    `u32 ids [batch, tokens], got ${ids.dtype} [${ids.shape.join(', ')}]. Make the input with dtype "u32".`,
  );
  const [batch, tokens] = ids.shape as [number, number];
  expectThat(
    where,
    table.source.shape.length === 2 && vocabulary > 0,
    `a table [vocabulary, channels], got [${table.source.shape.join(', ')}]. Check the model's config.`,
  );
  expectThat(
    where,
    positions.source.shape[1] === channels && positions.source.shape[0]! >= tokens,
    `positions [at least ${tokens}, ${channels}], got [${positions.source.shape.join(', ')}]. Split long prompts into chunks.`,
  );
  const out = g.tensor(options.label, [batch, tokens, channels], options.outDtype ?? g.dtype);
  g.add({
    op: 'tokenEmbedding',
    label: options.label,
    inputs: [ids],
    weights: [table, positions],
    outputs: [out],
    lower({ profile }) {
      const columns = Math.ceil(channels / 4);
      const count = batch * tokens * columns;
      if (count === 0) return [];
      const { buffers, uniforms, text, vectorBytes, bands } = embeddingTable(table, profile);
      const fields: UniformFields = { ...ownFields, ...uniforms };
      const kernel = elementKernel(
        {
          name: 'embedding/token',
          buffers: [
            wordBuffer('ids'),
            tensorBuffer('out', out, profile),
            ...buffers,
            weightBuffer('positions', positions, profile),
          ],
          uniforms: fields,
        },
        `  let row = i / u.columns;
  let column = i % u.columns;
  let token = row % u.tokens;
  let id = ids[(row / u.tokens) * u.idStride + token];
  // With the table in several bands, the first also serves ids in none.
  let inBand = id >= u.firstId && id - u.firstId < u.ids;
  if (!inBand && u.firstId > 0u) { return; }
  let embedding = select(vec4<f32>(0.0), table_vec4(min(id - u.firstId, u.ids - 1u), column), inBand);
  store_out(i, embedding + load_positions(token * u.columns + column));`,
        text,
      );
      return bands.map((band) => ({
        kernel,
        bindings: [{ tensor: ids }, { tensor: out }, ...band.bindings, { weight: positions }],
        uniforms: uniformData(fields, {
          count,
          columns,
          tokens,
          idStride: Math.ceil(tokens / 4) * 4,
          firstId: band.firstId,
          ids: band.ids,
          ...band.values,
        }),
        workgroups: foldGrid(groupsFor(count, elementLanes), profile),
        flops: batch * tokens * channels,
        bytesMoved: tensorBytes(ids) + tensorBytes(out) * 2 + count * vectorBytes,
      }));
    },
  });
  return out;
}
