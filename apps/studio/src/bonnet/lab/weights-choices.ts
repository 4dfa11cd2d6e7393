import type { PaletteFile } from '@pleinair/palettize';
import type { WeightsChoice } from '../../engine/bonnet-protocol.js';

/** Weights that can be compared, the original first. */
export function weightsChoices(files: readonly PaletteFile[], isDemo: boolean): WeightsChoice[] {
  return [
    { kind: 'original', label: 'Original, fp16' },
    ...(isDemo ? [{ kind: 'shipped' as const, label: 'As shipped, 6.5 bits' }] : []),
    ...([8, 6, 4, 2] as const).map((bits): WeightsChoice => ({
      kind: 'bits',
      bits,
      label: `All layers at ${bits} bits`,
    })),
    ...files.flatMap((file) => (file.kind === 'recipes' ? recipesOf(file) : [])),
  ];
}

function recipesOf({ name, file }: Extract<PaletteFile, { kind: 'recipes' }>): WeightsChoice[] {
  const method = file.analysis?.method ?? name.replace(/\.json$/, '');
  return Object.entries(file.recipes).map(([recipe, bits]) => ({
    kind: 'recipe',
    label: `${method}: ${recipe.replace(/^recipe_/, '').replace(/_bit_mixedpalette$/, ' bits')}`,
    recipe: bits,
    group: file.analysis?.group ?? 0,
  }));
}
