import type { CheckpointTensor, PartPalettes } from '@pleinair/diffusion';
import { applyRule, PalettizeError, storedAverageBits } from '@pleinair/palettize';
import type { PaletteLookup } from '@pleinair/tensor';
import {
  byteLengthOf,
  componentPalettes,
  isFloatDtype,
  MissingPartError,
  openComponent,
  storedBits,
  type Component,
  type ModelSource,
  type ReadOptions,
  type StoredPaletteForm,
} from '@pleinair/weights';
import { leastWeights } from '../convert/least-weights.js';
import type { PaletteRules } from '../convert/palette-rules.js';

/** What of a model is palettized, or would be. */
export interface PlannedPalettes<Name extends string = string> {
  readonly palettesOf: PartPalettes<Name>;
  /** Of the parts that are palettized: all bits of indices and palettes over the candidates' weights. */
  readonly averageBits: Readonly<Partial<Record<Name, number>>>;
  /** Bytes of all weights in files: as they lie there, or would with these palettes and half floats for the rest. */
  readonly storedBytes: number;
}

/** A model as far as palettes go. */
export interface PalettizableModel<Name extends string = string> {
  /** Where its files are; none for a preset. */
  readonly source: ModelSource | undefined;
  /** Folder of each part's weights. */
  readonly folders: Readonly<Record<Name, string>>;
  /** The tensors of a part by its configuration: for models whose weights are not at hand. */
  tensorsOf(part: Name): readonly CheckpointTensor[];
}

/** How {@link plannedPalettes} reads a model. */
export interface PlannedPalettesOptions extends ReadOptions {
  /** Layers of no more weights are left alone; see `leastWeights`. */
  readonly minWeights?: number;
  /** Counts weights that are not palettized as half floats, whatever they lie in. @defaultValue where there are rules */
  readonly halves?: boolean;
  /** Who asks, for messages. @defaultValue 'plan' */
  readonly command?: string;
}

/**
 * Reads which parts of a model are palettized, and works out which would be by rules. Reads headers only, and does
 * without where there are none.
 *
 * @param rules - By folder.
 * @throws `PalettizeError` `palettize/already-palettized` for rules about a part that is; `PaletteError`; what
 * `applyRule` throws.
 */
export async function plannedPalettes<Name extends string>(
  model: PalettizableModel<Name>,
  rules: PaletteRules,
  { minWeights, command = 'plan', signal, halves = Object.keys(rules).length > 0 }: PlannedPalettesOptions = {},
): Promise<PlannedPalettes<Name>> {
  const least = await leastWeights(minWeights, model.source, { signal });
  const lookups = new Map<Name, PaletteLookup>();
  const averageBits: Partial<Record<Name, number>> = {};
  const bytesOf = new Map<string, number>();
  for (const part of Object.keys(model.folders) as Name[]) {
    const folder = model.folders[part];
    const component = await openIfThere(model.source, folder, signal);
    const stored = component && storedAverageBits(component, { minWeights: least });
    const rule = rules[folder];
    let forms: ReadonlyMap<string, StoredPaletteForm> = new Map();
    if (rule && stored !== undefined) {
      throw new PalettizeError(
        'palettize/already-palettized',
        `${command}: expected weights of ${part} as they were trained, got palettized ones. See what this model needs as ` +
          'it is, or name the original.',
      );
    }
    if (rule) {
      const tensors = component?.entries.values() ?? model.tensorsOf(part);
      const ruled = applyRule(part, rule, tensors, { minWeights: least });
      forms = ruled.forms;
      lookups.set(part, (name) => ruled.forms.get(name));
      averageBits[part] = ruled.averageBits;
    } else if (component && stored !== undefined) {
      lookups.set(part, componentPalettes(component));
      averageBits[part] = stored;
    }
    // Two parts may lie in one folder, as the halves of an autoencoder do.
    bytesOf.set(component ? folder : part, weightBytes(component, model.tensorsOf(part), forms, halves));
  }
  return { palettesOf: (part) => lookups.get(part), averageBits, storedBytes: sum([...bytesOf.values()]) };
}

function weightBytes(
  component: Component | undefined,
  tensors: readonly CheckpointTensor[],
  forms: ReadonlyMap<string, StoredPaletteForm>,
  halves: boolean,
): number {
  const bytes = (name: string, plain: number): number => {
    const form = forms.get(name);
    return form ? storedBits(form) / 8 : plain;
  };
  if (!component) return sum(tensors.map(({ name, shape }) => bytes(name, byteLengthOf('F16', shape))));
  return sum(
    [...component.entries.values()].map(({ name, dtype, shape, begin, end }) =>
      bytes(name, halves && isFloatDtype(dtype) ? byteLengthOf('F16', shape) : end - begin),
    ),
  );
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}

/** A part's headers; undefined where its weights are not there, as plans need none. */
async function openIfThere(
  source: ModelSource | undefined,
  folder: string,
  signal: AbortSignal | undefined,
): Promise<Component | undefined> {
  if (!source) return undefined;
  try {
    return await openComponent(source, folder, { signal });
  } catch (error) {
    if (error instanceof MissingPartError) return undefined;
    throw error;
  }
}
