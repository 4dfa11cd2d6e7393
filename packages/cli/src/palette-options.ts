import { InvalidArgumentError, type Command } from 'commander';
import { PleinairError } from '@pleinair/tensor';
import { checkLayerBits, type LayerBits, type PartRule } from '@pleinair/palettize';
import { readRecipe } from '@pleinair/palettize/node';
import { recipeRules } from 'pleinair/models';
import { wholeNumber } from './options.js';

/** What `--bits` asks for: one width for all, or widths by component. */
export type BitsWish = LayerBits | ReadonlyMap<string, LayerBits>;

/** What a user asks about palettes. */
export interface PaletteFlags {
  readonly bits?: BitsWish;
  /** `FILE` or `FILE#name`. */
  readonly recipe?: string;
  readonly components?: readonly string[];
  readonly minWeights?: number;
}

/** Adds the options that {@link paletteRules} reads. */
export function addPaletteOptions(command: Command): Command {
  return command
    .option(
      '--bits <widths>',
      'palettize every layer to so many bits: 4, or by component: unet=4,text_encoder_2=6',
      (text: string) => parseBits(text),
    )
    .option('--recipe <file>', 'palettize the layers a recipe names: FILE, or FILE#name where it holds several')
    .option(
      '--components <names>',
      'what a plain --bits is for (default: unet and text encoders), or a recipe that names layers only (default: unet)',
      parseNames,
    )
    .option(
      '--min-weights <n>',
      "leave layers of no more weights alone (default: the model's own in pleinair.json, else 100000)",
      wholeNumber(0),
    );
}

/**
 * Reads `4` or `unet=4,text_encoder_2=6`. Throws `recipe/unsupported-bits`.
 *
 * @param flag - What it was given to, for messages.
 */
export function parseBits(text: string, flag = '--bits'): BitsWish {
  if (/^\d+$/.test(text)) return checkLayerBits(flag, Number(text));
  const widths = new Map<string, LayerBits>();
  for (const item of text.split(',')) {
    const [, component, bits] = /^(\w+)=(\d+)$/.exec(item.trim()) ?? [];
    if (!component || widths.has(component)) {
      throw new InvalidArgumentError(`expected a width such as 4, or unet=4,text_encoder_2=6, got "${text}".`);
    }
    widths.set(component, checkLayerBits(`${flag} ${component}`, Number(bits)));
  }
  return widths;
}

function parseNames(text: string): string[] {
  return text.split(',').map((name) => name.trim());
}

/**
 * What is to be done to each component. A recipe's layers may begin with a component's name and a dot
 * (`text_encoder_2.text_model.…`); those that do not are the UNet's, or the one that `--components` names.
 *
 * @param command - The command's name, for errors.
 * @param components - Those of the model that can be palettized.
 * @returns By component, in the model's order; empty where nothing is asked for.
 * @throws `PleinairError` `usage/components`; what `readRecipe` throws.
 */
export async function paletteRules(
  command: string,
  flags: PaletteFlags,
  components: readonly string[],
): Promise<Readonly<Record<string, PartRule>>> {
  checkKnown(command, '--components', flags.components ?? [], components);
  const widths = bitsByComponent(command, flags, components);
  const recipes = await recipesByComponent(command, flags, components);
  const both = components.find((name) => widths.has(name) && recipes.has(name));
  if (both !== undefined) {
    throw usage(command, `either --recipe or --bits for ${both}`, 'both', `Leave ${both} out of one of them.`);
  }
  return Object.fromEntries(
    components.flatMap((name): [string, PartRule][] => {
      const rule = recipes.get(name);
      if (rule) return [[name, rule]];
      const bits = widths.get(name);
      return bits === undefined || bits === 16 ? [] : [[name, { bits }]];
    }),
  );
}

function bitsByComponent(
  command: string,
  { bits, recipe, components: listed }: PaletteFlags,
  components: readonly string[],
): ReadonlyMap<string, LayerBits> {
  if (bits === undefined) return new Map();
  if (typeof bits === 'object') {
    checkKnown(command, '--bits', [...bits.keys()], components);
    return bits;
  }
  if (recipe !== undefined) {
    const cure = 'Say for instance --bits text_encoder=6,text_encoder_2=6.';
    throw usage(command, '--bits to name its components beside --recipe', `--bits ${bits}`, cure);
  }
  return new Map((listed ?? components).map((name) => [name, bits]));
}

async function recipesByComponent(
  command: string,
  { recipe: address, components: listed }: PaletteFlags,
  components: readonly string[],
): Promise<ReadonlyMap<string, PartRule>> {
  if (address === undefined) return new Map();
  const { name, recipe, calibration } = await readRecipe(address);
  const rules = recipeRules(recipe, {
    name: `${address}: ${name}`,
    parts: components,
    only: listed,
    unnamed: () => unnamedComponent(command, listed, components),
    calibration,
  });
  return new Map(Object.entries(rules));
}

/** Whose layers are those that name no component. */
function unnamedComponent(command: string, listed: readonly string[] | undefined, known: readonly string[]): string {
  const among = listed ?? known;
  if (among.includes('unet')) return 'unet';
  if (among.length === 1) return among[0]!;
  throw usage(
    command,
    'one component for a recipe whose layers name none',
    `--components ${among.join(',')}`,
    'Name one, or begin its layers with a component and a dot.',
  );
}

function checkKnown(command: string, option: string, names: readonly string[], known: readonly string[]): void {
  const unknown = names.find((name) => !known.includes(name));
  if (unknown === undefined) return;
  throw usage(command, `${option} among ${known.join(', ')}`, `"${unknown}"`, 'Choose of these.');
}

function usage(command: string, expected: string, got: string, cure: string): PleinairError {
  return new PleinairError('usage/components', `${command}: expected ${expected}, got ${got}. ${cure}`);
}
