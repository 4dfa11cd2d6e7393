import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Calibration, Recipe } from '@pleinair/palettize';
import { applyRecipe, nodeWorkerSolver } from '@pleinair/palettize/node';
import type { SampleRow } from '@pleinair/palettize/report';
import { encodePng, load, type LoadOptions, type ModelPlace } from 'pleinair';
import type { Progress } from './progress.js';

/** A recipe to make pictures with. */
export interface PaintedRecipe {
  /** What stands under its pictures. */
  readonly label: string;
  readonly recipe: Recipe;
  /** Output channels that share a palette; 0 where one serves all. */
  readonly group?: number;
  /** Reads what it was measured with. */
  readonly calibration?: () => Promise<Calibration>;
}

/** What pictures to make. */
export interface PicturesToPaint {
  /** The model's folder, with plain weights. */
  readonly model: string;
  readonly recipes: readonly PaintedRecipe[];
  readonly prompts: readonly string[];
  /** Of every picture. */
  readonly seed: number;
  readonly steps?: number;
  readonly adapter: LoadOptions['adapter'];
}

/** The part that recipes are for. */
const folder = 'unet';

/**
 * Makes pictures with a model as it is and with each recipe applied to its UNet, with the same prompts and seed. A recipe is
 * applied to a temporary folder, one at a time.
 *
 * @throws What `load`, `generate` and `applyRecipe` throw. Nothing is left behind.
 */
export async function paintRecipes(
  { model, recipes, prompts, seed, steps, adapter }: PicturesToPaint,
  { signal, progress }: { signal: AbortSignal; progress: Progress },
): Promise<SampleRow[]> {
  const rows = prompts.map((prompt) => ({ prompt, seed, pictures: [] as SampleRow['pictures'][number][] }));
  let done = 0;
  const total = prompts.length * (recipes.length + 1);
  const paint = async (label: string, place: ModelPlace): Promise<void> => {
    // Kernels by heuristics: what differs between pictures is their weights and nothing else.
    const painter = await load(place, { adapter, tune: 'off', memory: 'resident', signal });
    try {
      for (const row of rows) {
        const { images } = await painter.generate({ prompt: row.prompt, seed, steps, signal });
        row.pictures.push({ label, png: encodePng(images[0]!) });
        progress.steps('pictures', ++done, total);
      }
    } finally {
      painter.dispose();
    }
  };
  await paint('original', model);
  const solver = nodeWorkerSolver();
  try {
    for (const { label, recipe, group, calibration } of recipes) {
      const made = await mkdtemp(join(tmpdir(), 'pleinair-recipe-'));
      try {
        const out = join(made, folder);
        const parts = { '': { recipe, name: label, group, calibration } };
        await applyRecipe({ model: join(model, folder), out, parts, solver, signal });
        await paint(label, [made, model]);
      } finally {
        await rm(made, { recursive: true, force: true });
      }
    }
  } finally {
    await solver.close();
  }
  return rows;
}
