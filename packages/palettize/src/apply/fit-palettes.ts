import { paletteGroups } from '@pleinair/tensor';
import { type Component, type ComponentEntry, isStoredPaletteForm, type StoredPaletteForm } from '@pleinair/weights';
import { PalettizeError } from '../errors.js';

import type { Palette } from '../kmeans/palette.js';
import type { InputMoments } from './error-feedback.js';
import { fitTensor, type FitOptions } from './fit-tensor.js';
import { Limit } from './limit.js';

/** A tensor's palettes. */
export interface FittedTensor {
  readonly entry: ComponentEntry;
  readonly form: StoredPaletteForm;
  /** One a group of output channels. */
  readonly palettes: readonly Palette[];
  /** Σ importance · (weight − entry)² over the whole tensor, each weight with the nearest entry. */
  readonly error: number;
  /** What entries are chosen by, where that is known: not each the nearest. */
  readonly inputs?: InputMoments;
}

/**
 * The best palettes of some of a part's tensors. Reads each once, a few megabytes at a time; clusterings run on the
 * solver's workers while the next tensors are read.
 *
 * @param forms - By tensor name.
 * @returns By tensor name, in the part's order; the same whatever the solver.
 * @throws `PalettizeError` `palettize/not-finite`, `palettize/out-of-range`, `palettize/worker`,
 * `palettize/invalid-argument`; what reading throws; `CancelledError`.
 */
export async function fitPalettes(
  component: Component,
  forms: ReadonlyMap<string, StoredPaletteForm>,
  options: FitOptions,
): Promise<ReadonlyMap<string, FittedTensor>> {
  const tensors = [...component.entries.values()].flatMap((entry) => {
    const form = forms.get(entry.name);
    return form ? [{ entry, form }] : [];
  });
  for (const { entry, form } of tensors) checkForm(entry, form);

  const limit = new Limit(options.solver.concurrency + 1);
  const fitted: Promise<FittedTensor>[] = [];
  try {
    for (const { entry, form } of tensors) {
      const groups = await fitTensor(entry, [form.bits], form.group, options, limit);
      fitted.push(collect({ entry, form, inputs: options.inputsOf?.(entry.name) }, groups));
    }
    return new Map((await Promise.all(fitted)).map((tensor) => [tensor.entry.name, tensor]));
  } finally {
    await Promise.allSettled(fitted);
  }
}

async function collect(
  tensor: Pick<FittedTensor, 'entry' | 'form' | 'inputs'>,
  groups: readonly Promise<readonly Palette[]>[],
): Promise<FittedTensor> {
  const palettes = (await Promise.all(groups)).map(([palette]) => palette!);
  return { ...tensor, palettes, error: palettes.reduce((sum, { error }) => sum + error, 0) };
}

function checkForm({ name, shape }: ComponentEntry, form: StoredPaletteForm): void {
  if (isStoredPaletteForm(form) && form.shape.join() === shape.join()) return;
  throw new PalettizeError(
    'palettize/invalid-argument',
    `${name}: expected [N, K] or [N, C, kh, kw], a width, and groups of a multiple of 4 outputs, got [${shape.join(', ')}], ` +
      `${form.bits} bits and groups of ${form.group}. Leave this tensor out, or choose another group.`,
  );
}

/** The palettes of a tensor as they are stored: half bits, `[groups, 2^bits]`. */
export function storedPalettes({ form, palettes }: FittedTensor): Uint16Array<ArrayBuffer> {
  const size = 2 ** form.bits;
  const out = new Uint16Array(paletteGroups(form, form.shape[0]!) * size);
  palettes.forEach(({ entries }, group) => out.set(entries, group * size));
  return out;
}
