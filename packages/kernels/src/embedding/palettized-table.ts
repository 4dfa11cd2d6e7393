import {
  DeviceError,
  inLayout,
  paletteBlockRows,
  paletteTableBytes,
  type DeviceProfile,
  type PaletteForm,
  type Weight,
} from '@pleinair/tensor';
import { linearLayout } from '../product/layout.js';
import { tableBands, type EmbeddingTable } from './table-bands.js';

/**
 * A palettized table, decoded as it is read: it lies as products' weights do, which is as the file has it. A row's indices
 * are one of 32 in each of the `bits` words that a block of rows keeps for a channel. Palettes and indices are bound apart,
 * so that a table beyond the binding limit can be read in bands of whole blocks, each with all palettes.
 *
 * @throws DeviceError `device/limit` when the palettes, or one block's indices, are beyond the binding limit.
 */
export function palettizedTable(weight: Weight, profile: DeviceProfile): EmbeddingTable {
  const table = inLayout(weight, linearLayout);
  const form = table.palette!;
  const [vocabulary, channels] = table.source.shape as [number, number];
  const palettesBytes = paletteTableBytes(form, vocabulary);
  const limit = profile.limits.maxStorageBufferBindingSize;
  if (palettesBytes > limit) {
    throw new DeviceError(
      'device/limit',
      `tokenEmbedding: expected the palettes of "${table.source.name}" within the adapter's binding limit of ${limit} bytes, got ${palettesBytes}. Palettize the model with larger groups, or use an adapter with a higher limit.`,
    );
  }
  const ragged = channels % 4 !== 0;
  const units = {
    start: palettesBytes,
    unitBytes: Math.ceil(channels / 4) * 4 * 4 * form.bits,
    unitIds: paletteBlockRows,
  };
  return {
    buffers: [
      { name: 'palettes', form: 'u32', access: 'read' },
      { name: 'indices', form: 'u32', access: 'read' },
    ],
    uniforms: {
      tableBase: 'u32',
      ...(form.group ? { tableGroup: 'u32' as const } : {}),
      ...(ragged ? { tableChannels: 'u32' as const } : {}),
    },
    text: tableText(form, ragged),
    // A word of indices and one of a palette for each channel.
    vectorBytes: 4 * 8,
    bands: tableBands(table, units, profile).map(({ firstId, ids, bound, base }) => ({
      firstId,
      ids,
      bindings: [{ weight: table, byteOffset: 0, byteLength: palettesBytes }, bound],
      values: {
        tableBase: base / 4,
        ...(form.group ? { tableGroup: form.group } : {}),
        ...(ragged ? { tableChannels: channels } : {}),
      },
    })),
  };
}

/** @param ragged - The last column's padding must be masked: its indices say palette entry 0, which is no zero. */
function tableText({ bits, group }: PaletteForm, ragged: boolean): string {
  const size = 2 ** bits;
  const palette = group ? `((u.firstId + id) / u.tableGroup) * ${size / 2}u` : '0u';
  const entries = [0, 1, 2, 3].map((j) => `table_entry(palette, at + ${j * bits}u, bit % 32u)`).join(', ');
  const lanes = 'vec4(4u * column) + vec4(0u, 1u, 2u, 3u) < vec4(u.tableChannels)';
  // Of 3 and 6 bits, an index may begin in one word and end in the next.
  const rest = 32 % bits === 0 ? '' : `if (shift > ${32 - bits}u) { index |= indices[at + 1u] << (32u - shift); }`;
  return `fn table_entry(palette: u32, at: u32, shift: u32) -> f32 {
  var index = indices[at] >> shift;
  ${rest}
  index &= ${size - 1}u;
  let pair = unpack2x16float(palettes[palette + (index >> 1u)]);
  return select(pair.x, pair.y, (index & 1u) == 1u);
}
fn table_vec4(id: u32, column: u32) -> vec4<f32> {
  let palette = ${palette};
  let bit = (id % ${paletteBlockRows}u) * ${bits}u;
  let at = u.tableBase + ((id / ${paletteBlockRows}u) * u.columns + column) * ${4 * bits}u + bit / 32u;
  let decoded = vec4(${entries});
  return ${ragged ? `select(vec4<f32>(), decoded, ${lanes})` : 'decoded'};
}`;
}
