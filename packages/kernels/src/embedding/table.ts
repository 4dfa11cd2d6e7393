import type { DeviceProfile, Weight, WeightScope } from '@pleinair/tensor';
import { linearLayout } from '../product/layout.js';
import { palettizedTable } from './palettized-table.js';
import { plainTable } from './plain-table.js';
import type { EmbeddingTable } from './table-bands.js';

/**
 * The weight of an embedding table at a scope, `[vocabulary, C]`. Palettized, its indices lie in blocks of 32 rows, as in
 * the file; else its rows are loaded one after another, as `plainRows` lays them out.
 */
export function embeddingWeight(scope: WeightScope, vocabulary: number, channels: number): Weight {
  return scope.weight('weight', [vocabulary, channels], linearLayout);
}

/**
 * How a kernel reads a table `[vocabulary, C]`.
 *
 * @throws DeviceError `device/limit` when not even its least part can be bound.
 */
export function embeddingTable(weight: Weight, profile: DeviceProfile): EmbeddingTable {
  return weight.palette ? palettizedTable(weight, profile) : plainTable(weight, profile);
}
