import type { SubgroupMatrixShape } from '@pleinair/tensor';

/** The tile of a workgroup, and of each subgroup in it, in elements of the output. */
export interface MatrixTile {
  readonly rows: number;
  readonly columns: number;
  readonly subgroupRows: number;
  readonly subgroupColumns: number;
}

/** Everything a kernel's text depends on besides the product. */
export interface MatrixPlan {
  readonly tile: MatrixTile;
  readonly shape: SubgroupMatrixShape;
  /** Elements of K staged at a time. */
  readonly depth: number;
  /** Elements of a row of each staged tile, padding included. */
  readonly strideA: number;
  readonly strideB: number;
  /** Tiles of subgroups in the workgroup's. */
  readonly subtiles: number;
  readonly threads: number;
  /** 2 where the product is gated: each subgroup then has a tile of gates beside its own. */
  readonly sides: 1 | 2;
  /** The workgroup is sure to have a subgroup for each of its tiles. */
  readonly onePass: boolean;
}
