import { averageBits } from '../recipe/average-bits.js';
import type { Candidate } from '../recipe/candidates.js';
import type { Recipe } from '../recipe/recipe-file.js';
import type { Evaluations } from './evaluations.js';
import { mean } from './mean.js';

/** Recipes measured as a whole and named by their size, e.g. `recipe_4.50_bit_mixedpalette`. */
export class MeasuredRecipes {
  /** By name. */
  readonly recipes: Record<string, Recipe> = {};
  /** PSNR in dB by name, averaged over prompts. */
  readonly psnrs: Record<string, number> = {};

  /** @param group - Output channels that share a palette; 0 where one serves all. */
  constructor(
    private readonly run: Evaluations,
    private readonly candidates: readonly Candidate[],
    private readonly group: number,
  ) {}

  /**
   * Measures a recipe, unless the same one is there.
   *
   * @param recipe - Bits of every candidate, in their order.
   * @throws As `Evaluations.evaluate`.
   */
  async add(recipe: Recipe): Promise<void> {
    if (Object.values(this.recipes).some((other) => sameRecipe(recipe, other))) {
      this.run.skip();
      return;
    }
    const average = averageBits(this.candidates, (layer) => recipe[layer], this.group);
    const name = freeName(`recipe_${average.toFixed(2)}_bit_mixedpalette`, this.recipes);
    this.psnrs[name] = mean(
      await this.run.evaluate(`recipe/${Object.values(recipe).join()}`, new Map(Object.entries(recipe))),
    );
    this.recipes[name] = recipe;
  }
}

function sameRecipe(a: Recipe, b: Recipe): boolean {
  return Object.keys(a).every((layer) => a[layer] === b[layer]);
}

/** Two recipes may have the same average to two digits. */
function freeName(name: string, taken: object): string {
  let free = name;
  for (let i = 2; free in taken; i++) free = `${name}_${i}`;
  return free;
}
