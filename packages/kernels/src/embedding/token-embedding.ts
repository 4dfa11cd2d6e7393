import {
  bytesPerElement,
  DeviceError,
  tensorBytes,
  type DeviceProfile,
  type Graph,
  type Tensor,
  type Weight,
} from '@pleinair/tensor';
import { tensorBuffer, weightBuffer, wordBuffer } from '../shader/declare.js';
import { elementKernel, elementLanes } from '../shader/elementwise-kernel.js';
import { foldGrid, groupsFor } from '../shader/grid.js';
import { expectThat } from '../shader/shape-checks.js';
import { uniformData, type UniformFields } from '../shader/uniforms.js';

/** Options of {@link tokenEmbedding}. */
export interface TokenEmbeddingOptions {
  /** @defaultValue the graph's dtype */
  readonly outDtype?: 'f16' | 'f32';
  /** Where in the model this stands. */
  readonly label: string;
}

const fields = {
  count: 'u32',
  columns: 'u32',
  tokens: 'u32',
  idStride: 'u32',
  firstId: 'u32',
  ids: 'u32',
  tableBase: 'u32',
} satisfies UniformFields;

/**
 * Token and position embeddings added: ids u32 `[batch, tokens]` → `[batch, tokens, C]`.
 *
 * @param table - `[vocabulary, C]`, layout `plainRows`. Bound in bands of rows where it is beyond the binding limit.
 *   An id beyond the vocabulary gives zeros for the token: tokenizers never make one, and silence beats reading past it.
 * @param positions - `[at least tokens, C]`, layout `plainRows`.
 * @throws ShapeError when widths differ or there are more tokens than positions.
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
      const bands = tableBands(table, vocabulary, columns, profile);
      return bands.map(({ firstId, rows, byteOffset, byteLength, base }) => ({
        kernel: elementKernel(
          {
            name: 'embedding/token',
            buffers: [
              wordBuffer('ids'),
              tensorBuffer('out', out, profile),
              weightBuffer('table', table, profile),
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
  let embedding = select(vec4<f32>(0.0), load_table(u.tableBase + min(id - u.firstId, u.ids - 1u) * u.columns + column), inBand);
  store_out(i, embedding + load_positions(token * u.columns + column));`,
        ),
        bindings: [
          { tensor: ids },
          { tensor: out },
          bands.length === 1 ? { weight: table } : { weight: table, byteOffset, byteLength },
          { weight: positions },
        ],
        uniforms: uniformData(fields, {
          count,
          columns,
          tokens,
          idStride: Math.ceil(tokens / 4) * 4,
          firstId,
          ids: rows,
          tableBase: base,
        }),
        workgroups: foldGrid(groupsFor(count, elementLanes), profile),
        flops: batch * tokens * channels,
        bytesMoved: tensorBytes(ids) + tensorBytes(out) * 3,
      }));
    },
  });
  return out;
}

interface TableBand {
  readonly firstId: number;
  readonly rows: number;
  readonly byteOffset: number;
  readonly byteLength: number;
  /** Where the first row is inside the binding, in vec4s. */
  readonly base: number;
}

function tableBands(table: Weight, vocabulary: number, columns: number, profile: DeviceProfile): TableBand[] {
  const { maxStorageBufferBindingSize: limit, minStorageBufferOffsetAlignment: alignment } = profile.limits;
  if (table.byteLength <= limit) {
    return [{ firstId: 0, rows: vocabulary, byteOffset: 0, byteLength: table.byteLength, base: 0 }];
  }
  const vectorBytes = 4 * bytesPerElement(table.storage);
  const rowBytes = columns * vectorBytes;
  const most = Math.floor((limit - alignment) / rowBytes);
  if (most < 1) {
    throw new DeviceError(
      'device/limit',
      `tokenEmbedding: expected a row of "${table.source.name}" within the adapter's binding limit of ${limit} bytes, got ${rowBytes}. Use an adapter with a higher limit.`,
    );
  }
  const bands: TableBand[] = [];
  for (let firstId = 0; firstId < vocabulary; firstId += most) {
    const rows = Math.min(most, vocabulary - firstId);
    const start = firstId * rowBytes;
    const byteOffset = Math.floor(start / alignment) * alignment;
    bands.push({
      firstId,
      rows,
      byteOffset,
      byteLength: start - byteOffset + rows * rowBytes,
      base: (start - byteOffset) / vectorBytes,
    });
  }
  return bands;
}
