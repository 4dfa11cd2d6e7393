import { RecipeError } from '../errors.js';
import type { CurvePoint } from './curve.js';
import type { FixedCurves, MethodCurve, RecipeEvaluation } from './evaluate-recipes.js';

/** What of an evaluation a report shows. */
export type EvaluatedRecipes = Pick<RecipeEvaluation, 'original' | 'linear8' | 'fixed' | 'prompts'> & {
  readonly methods: Readonly<Record<string, Pick<MethodCurve, 'points'>>>;
};

/**
 * Checks a parsed evaluation, as `npm run bench -- palettize --json FILE` records one.
 *
 * @param where - The file, for messages.
 * @throws `RecipeError` `recipe/invalid`.
 */
export function parseEvaluation(where: string, json: unknown): EvaluatedRecipes {
  const { original, linear8, fixed, prompts, methods } = objectOf(where, 'an evaluation of recipes, an object', json);
  if (typeof original !== 'number' || typeof prompts !== 'number') {
    throw invalid(where, 'original in dB and a number of prompts', { original, prompts });
  }
  const { published, perChannel } = objectOf(where, 'linear8 in both forms', linear8);
  return {
    original,
    prompts,
    linear8: {
      published: pointOf(where, 'linear8.published', published),
      perChannel: pointOf(where, 'linear8.perChannel', perChannel),
    },
    fixed: curvesOf(where, fixed),
    methods: Object.fromEntries(
      Object.entries(objectOf(where, 'methods by name', methods)).map(([method, value]) => {
        const { points } = objectOf(where, `points of ${method}`, value);
        return [method, { points: listOf(where, `points of ${method}`, points).map((one) => recipePoint(where, one)) }];
      }),
    ),
  };
}

function curvesOf(where: string, value: unknown): FixedCurves {
  const byWidth = objectOf(where, 'curves of one width, by width', value);
  return Object.fromEntries(
    Object.entries(byWidth).map(([width, points]) => {
      const name = `points of the ${width}-bit curve`;
      return [width, listOf(where, name, points).map((one) => pointOf(where, name, one))];
    }),
  );
}

function recipePoint(where: string, value: unknown): CurvePoint & { recipe: string } {
  const { recipe } = objectOf(where, 'a recipe with bits and PSNR', value);
  if (typeof recipe !== 'string') throw invalid(where, "a recipe's name", value);
  return { ...pointOf(where, recipe, value), recipe };
}

function pointOf(where: string, name: string, value: unknown): CurvePoint {
  const { bits, psnr } = objectOf(where, `bits and PSNR of ${name}`, value);
  if (typeof bits !== 'number' || typeof psnr !== 'number') throw invalid(where, `bits and PSNR of ${name}`, value);
  return { bits, psnr };
}

function listOf(where: string, expected: string, value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw invalid(where, expected, value);
  return value as readonly unknown[];
}

function objectOf(where: string, expected: string, value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid(where, expected, value);
  return value as Record<string, unknown>;
}

function invalid(where: string, expected: string, got: unknown): RecipeError {
  return new RecipeError(
    'recipe/invalid',
    `${where}: expected ${expected}, got ${(JSON.stringify(got) ?? 'nothing').slice(0, 80)}. ` +
      'Check that it is a record of recipes evaluated.',
  );
}
