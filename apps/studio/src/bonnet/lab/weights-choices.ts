import type { PaletteFile } from '@pleinair/palettize';
import type { WeightsChoice } from '../../engine/bonnet-protocol.js';

/** An opened file of recipes. */
export type RecipesFile = Extract<PaletteFile, { kind: 'recipes' }>;

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
    ...files.flatMap((file) => (file.kind === 'recipes' ? recipesOf(file, files) : [])),
  ];
}

/** The calibration that a recipe file names, where it was opened too. */
export function calibrationAtHand(
  { file }: RecipesFile,
  files: readonly PaletteFile[],
): Extract<WeightsChoice, { kind: 'recipe' }>['calibration'] {
  const { calibration: reference } = file;
  const opened = files.find((each) => each.kind === 'calibration' && each.name === reference?.file);
  return reference && opened?.kind === 'calibration' ? { blob: opened.blob, name: opened.name, reference } : undefined;
}

function recipesOf(opened: RecipesFile, files: readonly PaletteFile[]): WeightsChoice[] {
  const { name, file } = opened;
  const calibration = calibrationAtHand(opened, files);
  const method = file.analysis?.method ?? name.replace(/\.json$/, '');
  return Object.entries(file.recipes).map(([recipe, bits]) => ({
    kind: 'recipe',
    label: `${method}: ${recipe.replace(/^recipe_/, '').replace(/_bit_mixedpalette$/, ' bits')}`,
    recipe: bits,
    group: file.analysis?.group ?? 0,
    calibration,
  }));
}
