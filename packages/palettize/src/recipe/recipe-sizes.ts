import type { LayerBits } from '../bits.js';
import { averageBits } from './average-bits.js';
import type { RecipeFile } from './recipe-file.js';

/** What the layers of a recipe file take. */
export interface RecipeSizes {
  /** Names, in the file's order. */
  readonly layers: readonly string[];
  /** Weights of all layers. */
  readonly weights: number;
  /** Whether palettes and padding count: published files tell weights only, without shapes. */
  readonly countsPalettes: boolean;
  /** Weights of a layer, 0 of one unknown. */
  weightsOf(layer: string): number;
  /** Average bits a weight where layers have the bits given, or 16 where none are. */
  averageBits(bitsOf: (layer: string) => LayerBits | undefined): number;
  /** Shape of each layer, where the file tells. */
  readonly shapes?: ReadonlyMap<string, readonly number[]>;
}

/**
 * Sizes of the layers of a recipe file: exact where its analysis names their shapes, by numbers of weights where only
 * published measurements are there, nothing where neither is.
 */
export function recipeSizes(file: RecipeFile): RecipeSizes | undefined {
  const { layers, group } = file.analysis ?? {};
  if (layers && layers.length > 0) {
    const sized = layers.map(({ layer, shape }) => ({ layer, shape, weights: shape.reduce((a, b) => a * b, 1) }));
    return {
      ...ofWeights(sized),
      countsPalettes: true,
      averageBits: (bitsOf) => averageBits(sized, bitsOf, group),
      shapes: new Map(sized.map(({ layer, shape }) => [layer, shape])),
    };
  }
  const sized = publishedSizes(file);
  if (!sized) return undefined;
  const sizes = ofWeights(sized);
  return {
    ...sizes,
    countsPalettes: false,
    averageBits: (bitsOf) =>
      sized.reduce((bits, { layer, weights }) => bits + weights * (bitsOf(layer) ?? 16), 0) / sizes.weights,
  };
}

/** Layers in the order of the measurements of layers alone, which is the model's; weights beside the cumulative ones. */
function publishedSizes(file: RecipeFile): { layer: string; weights: number }[] | undefined {
  for (const [bits, results] of Object.entries(file.cumulative)) {
    const { candidates, sizes } = (results['metadata'] ?? {}) as { candidates?: unknown; sizes?: unknown };
    if (!Array.isArray(candidates) || !Array.isArray(sizes) || candidates.length !== sizes.length) continue;
    const weights = new Map(candidates.map((layer: unknown, i) => [String(layer), Number(sizes[i])]));
    if (weights.size === 0 || ![...weights.values()].every((count) => count > 0)) continue;
    const order = Object.keys(file.single_layer[bits] ?? {}).filter((layer) => weights.has(layer));
    const names = order.length === weights.size ? order : [...weights.keys()];
    return names.map((layer) => ({ layer, weights: weights.get(layer)! }));
  }
  return undefined;
}

function ofWeights(
  sized: readonly { layer: string; weights: number }[],
): Pick<RecipeSizes, 'layers' | 'weights' | 'weightsOf'> {
  const byLayer = new Map(sized.map(({ layer, weights }) => [layer, weights]));
  return {
    layers: [...byLayer.keys()],
    weights: sized.reduce((total, { weights }) => total + weights, 0),
    weightsOf: (layer) => byLayer.get(layer) ?? 0,
  };
}
