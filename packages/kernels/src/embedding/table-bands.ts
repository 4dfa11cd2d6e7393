import { DeviceError, type BoundWeight, type DeviceProfile, type Weight } from '@pleinair/tensor';
import type { BufferDeclaration } from '../shader/storage.js';
import type { UniformFields } from '../shader/uniforms.js';

/** An embedding table as a kernel reads it: its buffers, in bands that can be bound, and the text that takes a vec4. */
export interface EmbeddingTable {
  readonly buffers: readonly BufferDeclaration[];
  /** Uniforms its text reads, beside `firstId` (the band's first id) and `columns` (vec4s of a row). */
  readonly uniforms: UniformFields;
  /** WGSL of `fn table_vec4(id: u32, column: u32) -> vec4<f32>`: a vec4 of a row, `id` counted from the band's first. */
  readonly text: string;
  /** Bytes read for one vec4. */
  readonly vectorBytes: number;
  /** Runs of ids that one dispatch binds; together the whole vocabulary. */
  readonly bands: readonly TableBand[];
}

/** A run of ids that one dispatch binds. */
export interface TableBand {
  readonly firstId: number;
  readonly ids: number;
  /** One for each of the table's buffers. */
  readonly bindings: readonly BoundWeight[];
  /** Contents of the table's uniforms. */
  readonly values: Readonly<Record<string, number>>;
}

/** Where the parts of a table lie that are bound whole: rows, or blocks of rows. */
export interface TableUnits {
  /** Byte at which the first begins. */
  readonly start: number;
  readonly unitBytes: number;
  readonly unitIds: number;
}

/** A run of units, bound. */
export interface BoundIds {
  readonly firstId: number;
  readonly ids: number;
  readonly bound: BoundWeight;
  /** Where its first unit is inside the binding, in bytes: what the offset's alignment left over. */
  readonly base: number;
}

/**
 * Cuts a table into runs of whole units that can be bound; one where all fit.
 *
 * @throws DeviceError `device/limit` when not even one unit fits.
 */
export function tableBands(
  table: Weight,
  { start, unitBytes, unitIds }: TableUnits,
  profile: DeviceProfile,
): BoundIds[] {
  const { maxStorageBufferBindingSize: limit, minStorageBufferOffsetAlignment: alignment } = profile.limits;
  const [vocabulary = 0] = table.source.shape;
  const units = Math.ceil(vocabulary / unitIds);
  // A band may begin up to one alignment before its first unit.
  const most = table.byteLength <= limit ? Math.max(units, 1) : Math.floor((limit - alignment) / unitBytes);
  if (most < 1) {
    throw new DeviceError(
      'device/limit',
      `tokenEmbedding: expected ${unitIds === 1 ? 'a row' : `${unitIds} rows`} of "${table.source.name}" within the adapter's binding limit of ${limit} bytes, got ${unitBytes}. Use an adapter with a higher limit.`,
    );
  }
  const bands: BoundIds[] = [];
  for (let first = 0; first < units; first += most) {
    const count = Math.min(most, units - first);
    const from = start + first * unitBytes;
    const byteOffset = Math.floor(from / alignment) * alignment;
    bands.push({
      firstId: first * unitIds,
      ids: Math.min(count * unitIds, vocabulary - first * unitIds),
      bound: { weight: table, byteOffset, byteLength: from - byteOffset + count * unitBytes },
      base: from - byteOffset,
    });
  }
  return bands;
}
