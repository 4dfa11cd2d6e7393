import { bytesPerElement, inLayout, plainRows, type DeviceProfile, type Weight } from '@pleinair/tensor';
import { weightBuffer } from '../shader/declare.js';
import { tableBands, type EmbeddingTable } from './table-bands.js';

/** A table of floats: rows one after another. */
export function plainTable(weight: Weight, profile: DeviceProfile): EmbeddingTable {
  const table = inLayout(weight, plainRows);
  const vectorBytes = 4 * bytesPerElement(table.storage);
  const unitBytes = Math.ceil(table.source.shape[1]! / 4) * vectorBytes;
  return {
    buffers: [weightBuffer('table', table, profile)],
    uniforms: { tableBase: 'u32' },
    text: `fn table_vec4(id: u32, column: u32) -> vec4<f32> { return load_table(u.tableBase + id * u.columns + column); }`,
    vectorBytes,
    bands: tableBands(table, { start: 0, unitBytes, unitIds: 1 }, profile).map(({ firstId, ids, bound, base }) => ({
      firstId,
      ids,
      bindings: [bound],
      values: { tableBase: base / vectorBytes },
    })),
  };
}
