import type { DeviceProfile, SubgroupMatrixShape } from '@pleinair/tensor';
import type { MatrixPlan, MatrixTile } from './matrix-plan.js';
import { matrixText } from './matrix-text.js';
import { takesHalves, type Product } from './parts.js';
import { stagedWeight, type ProductVariant } from './variant.js';

/** Invocations a tile of a subgroup is given: the size of subgroups on most GPUs that have matrix units. */
const expectedLanes = 32;

/** Halves that keep rows of a tile off one memory bank, and on 16 bytes. */
const paddingBytes = 16;

/**
 * The adapter's matrix units: tiles of the operands are staged in workgroup memory, each subgroup multiplies its part of
 * them with `subgroupMatrixMultiplyAccumulate`, sums in f32, and hands a matrix at a time through workgroup memory to the
 * epilogue. So every input, weight and epilogue composes with it as with other variants.
 *
 * Operands are staged in halves where both may be rounded so and the adapter has `f16 · f16 → f32`, else in f32 where it has
 * that. Sums in halves are never used. Subgroups of any size work: with fewer than there are tiles, those go in passes.
 */
export function matrixVariant(tile: MatrixTile): ProductVariant {
  const planFor = (product: Product, profile: DeviceProfile): MatrixPlan | undefined => {
    const shape = matrixShapeFor(product, tile, profile);
    return shape && matrixPlan(product, tile, shape, profile);
  };
  const stagedText = (product: Product, profile: DeviceProfile): string | undefined => {
    const plan = planFor(product, profile)!;
    return stagedWeight(product, profile, { threads: plan.threads, taken: sharedBytes(plan) });
  };
  return {
    name: `matrix${tile.rows}x${tile.columns}`,
    madeFor: 'gpus',
    enables: ['chromium_experimental_subgroup_matrix', 'subgroups'],
    enablesFor: (product, profile) => (planFor(product, profile)?.shape.component === 'f16' ? ['f16'] : []),
    rows: () => tile.rows,
    columns: () => tile.columns / 4,
    unsupported(product, profile) {
      const { features, limits } = profile;
      if (!features.subgroupMatrix || !features.subgroups) return 'the adapter has no subgroup matrices';
      const plan = planFor(product, profile);
      if (!plan) return 'no matrix shape of the adapter fits the operands and sums in f32';
      if (plan.threads > limits.maxComputeInvocationsPerWorkgroup) return 'too many invocations a workgroup';
      if (plan.threads % profile.subgroupMaxSize !== 0) return 'a workgroup may not be whole subgroups';
      if (sharedBytes(plan) > limits.maxComputeWorkgroupStorageSize) return 'too much workgroup memory';
      return undefined;
    },
    weightText: stagedText,
    body: (product, profile) =>
      matrixText(product, planFor(product, profile)!, stagedText(product, profile) !== undefined),
  };
}

/** The largest of the adapter's shapes that sums in f32, that the operands may be staged for and that divides the tile. */
function matrixShapeFor(product: Product, tile: MatrixTile, profile: DeviceProfile): SubgroupMatrixShape | undefined {
  const halves = profile.features.shaderF16 && takesHalves(product);
  const usable = profile.subgroupMatrixShapes.filter(
    ({ component, result, m, n, k }) =>
      result === 'f32' &&
      (component === 'f32' || halves) &&
      tile.subgroupRows % m === 0 &&
      tile.subgroupColumns % n === 0 &&
      n % 4 === 0 &&
      k % 4 === 0,
  );
  const size = ({ m, n, k }: SubgroupMatrixShape): number => m * n * k;
  const rank = (shape: SubgroupMatrixShape): number => (shape.component === 'f16' ? 2 ** 20 : 0) + size(shape);
  return usable.reduce<SubgroupMatrixShape | undefined>(
    (best, shape) => (best === undefined || rank(shape) > rank(best) ? shape : best),
    undefined,
  );
}

function matrixPlan(
  product: Product,
  tile: MatrixTile,
  shape: SubgroupMatrixShape,
  profile: DeviceProfile,
): MatrixPlan {
  const sides = product.epilogue.gated ? 2 : 1;
  const subtiles = (tile.rows / tile.subgroupRows) * (tile.columns / tile.subgroupColumns);
  const depth = Math.max(shape.component === 'f16' ? 32 : 16, shape.k);
  const padding = paddingBytes / componentBytes(shape);
  return {
    tile,
    shape,
    depth,
    strideA: depth + padding,
    strideB: tile.columns * sides + padding,
    subtiles,
    threads: subtiles * expectedLanes,
    sides,
    onePass: profile.subgroupMaxSize <= expectedLanes,
  };
}

function sharedBytes({ tile, shape, depth, strideA, strideB, subtiles, sides }: MatrixPlan): number {
  const operands = (tile.rows * strideA + depth * strideB) * componentBytes(shape);
  return operands + subtiles * sides * shape.m * shape.n * 4;
}

function componentBytes({ component }: SubgroupMatrixShape): number {
  return component === 'f16' ? 2 : 4;
}
