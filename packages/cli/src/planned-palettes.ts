import type { CheckpointTensor, PartPalettes } from '@pleinair/diffusion';
import { applyRule, PalettizeError, storedAverageBits } from '@pleinair/palettize';
import type { PaletteLookup } from '@pleinair/tensor';
import {
  componentPalettes,
  MissingPartError,
  openComponent,
  type Component,
  type ModelSource,
} from '@pleinair/weights';
import { leastWeights } from './least-weights.js';
import { paletteRules, type PaletteFlags } from './palette-options.js';

/** What of a model is palettized, or would be. */
export interface PlannedPalettes<Name extends string> {
  readonly palettesOf: PartPalettes<Name>;
  /** Of the parts that are palettized: all bits of indices and palettes over the candidates' weights. */
  readonly averageBits: Readonly<Partial<Record<Name, number>>>;
}

/** A model as far as palettes go. */
export interface PalettizableModel<Name extends string> {
  /** Where its files are; none for a preset. */
  readonly source: ModelSource | undefined;
  /** Folder of each part's weights. */
  readonly folders: Readonly<Record<Name, string>>;
  /** The tensors of a part by its configuration: for models whose weights are not at hand. */
  tensorsOf(part: Name): readonly CheckpointTensor[];
}

/** The parts that are palettized when nothing else is said: an autoencoder keeps its weights. */
const palettizable: ReadonlySet<string> = new Set(['text_encoder', 'text_encoder_2', 'unet']);

/**
 * Reads which parts of a model are palettized, and works out which would be by the flags. Reads headers only, and does
 * without where there are none.
 *
 * @throws `PalettizeError` `palettize/already-palettized` for flags about a part that is; `PaletteError`; what
 * `paletteRules` and `applyRule` throw.
 */
export async function plannedPalettes<Name extends string>(
  command: string,
  model: PalettizableModel<Name>,
  flags: PaletteFlags,
): Promise<PlannedPalettes<Name>> {
  const parts = Object.keys(model.folders) as Name[];
  const rules = await paletteRules(
    command,
    flags,
    parts.filter((part) => palettizable.has(part)),
  );
  const minWeights = await leastWeights(flags.minWeights, model.source);
  const lookups = new Map<Name, PaletteLookup>();
  const averageBits: Partial<Record<Name, number>> = {};
  for (const part of parts) {
    const component = await openIfThere(model.source, model.folders[part]);
    const stored = component && storedAverageBits(component, { minWeights });
    const rule = rules[part];
    if (rule && stored !== undefined) {
      throw new PalettizeError(
        'palettize/already-palettized',
        `${command}: expected weights of ${part} as they were trained, got palettized ones. Leave --bits and --recipe ` +
          'out to see what this model needs, or name the original.',
      );
    }
    if (rule) {
      const tensors = component?.entries.values() ?? model.tensorsOf(part);
      const { forms, averageBits: average } = applyRule(part, rule, tensors, { minWeights });
      lookups.set(part, (name) => forms.get(name));
      averageBits[part] = average;
    } else if (component && stored !== undefined) {
      lookups.set(part, componentPalettes(component));
      averageBits[part] = stored;
    }
  }
  return { palettesOf: (part) => lookups.get(part), averageBits };
}

/** A part's headers; undefined where its weights are not there, as plans need none. */
async function openIfThere(source: ModelSource | undefined, folder: string): Promise<Component | undefined> {
  if (!source) return undefined;
  try {
    return await openComponent(source, folder);
  } catch (error) {
    if (error instanceof MissingPartError) return undefined;
    throw error;
  }
}
