import { throwIfCancelled } from '@pleinair/tensor';
import { elementCount, type Component, type ComponentEntry } from '@pleinair/weights';
import { PalettizeError } from '../errors.js';
import { columnsOf, groupCount, isPaletteForm, type PaletteForm } from '../format/layout.js';
import { ValueHistogram } from '../kmeans/histogram.js';
import { makePalettes, type Palette } from '../kmeans/palette.js';
import type { ProgressMeter } from '../progress.js';
import type { ClusterSolver } from '../workers/solver.js';
import { readRows } from './read-rows.js';

/** A tensor's palettes. */
export interface FittedTensor {
  readonly entry: ComponentEntry;
  readonly form: PaletteForm;
  /** One a group of output channels. */
  readonly palettes: readonly Palette[];
  /** Σ importance · (weight − entry)² over the whole tensor. */
  readonly error: number;
}

/** Options of {@link fitPalettes}. */
export interface FitOptions {
  readonly solver: ClusterSolver;
  readonly signal?: AbortSignal;
  /** Counts weights as they are read. */
  readonly meter?: ProgressMeter;
  /**
   * How much a weight of each column counts, `[K]` or `[C·kh·kw]` in the checkpoint's order; undefined where all count
   * alike. A layer's mean squared inputs make its palettes least harmful to its output.
   */
  readonly importanceOf?: (tensor: string) => ArrayLike<number> | undefined;
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
  forms: ReadonlyMap<string, PaletteForm>,
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
    for (const { entry, form } of tensors)
      fitted.push(collect(entry, form, await fitTensor(entry, form, options, limit)));
    return new Map((await Promise.all(fitted)).map((tensor) => [tensor.entry.name, tensor]));
  } finally {
    await Promise.allSettled(fitted);
  }
}

async function collect(
  entry: ComponentEntry,
  form: PaletteForm,
  groups: readonly Promise<Palette>[],
): Promise<FittedTensor> {
  const palettes = await Promise.all(groups);
  return { entry, form, palettes, error: palettes.reduce((sum, { error }) => sum + error, 0) };
}

/** Reads a tensor, and gives each group's histogram away as soon as it is complete. */
async function fitTensor(
  entry: ComponentEntry,
  form: PaletteForm,
  { solver, signal, meter, importanceOf }: FitOptions,
  limit: Limit,
): Promise<Promise<Palette>[]> {
  const importance = importanceOf?.(entry.name);
  const columns = columnsOf(form.shape);
  const rowsOfGroup = form.group === 0 ? form.shape[0]! : form.group;
  const weighted = importance !== undefined;
  const palettes: Promise<Palette>[] = [];
  let histogram = new ValueHistogram(entry.name, { weighted });
  for await (const { firstRow, halves } of readRows(entry, signal)) {
    const end = firstRow + halves.length / columns;
    for (let row = firstRow; row < end;) {
      const next = Math.min(end, (Math.floor(row / rowsOfGroup) + 1) * rowsOfGroup);
      histogram.add(halves.subarray((row - firstRow) * columns, (next - firstRow) * columns), importance);
      row = next;
      if (row % rowsOfGroup !== 0 && row !== form.shape[0]) continue;
      const distribution = histogram.distribution();
      histogram = new ValueHistogram(entry.name, { weighted });
      await limit.enter();
      const palette = makePalettes(distribution, [form.bits], { solver, signal })
        .then(([made]) => made!)
        .finally(() => limit.leave());
      palette.catch(() => undefined); // looked at when all are awaited; until then not "unhandled"
      palettes.push(palette);
    }
    meter?.add(halves.length);
    throwIfCancelled(signal, entry.name);
  }
  return palettes;
}

function checkForm({ name, shape }: ComponentEntry, form: PaletteForm): void {
  if (isPaletteForm(form) && form.shape.join() === shape.join()) return;
  throw new PalettizeError(
    'palettize/invalid-argument',
    `${name}: expected [N, K] or [N, C, kh, kw], a width, and groups of a multiple of 4 outputs, got [${shape.join(', ')}], ` +
      `${form.bits} bits and groups of ${form.group}. Leave this tensor out, or choose another group.`,
  );
}

/** Lets so many through at a time: distributions wait here, not in memory. */
class Limit {
  private readonly waiting: (() => void)[] = [];

  constructor(private free: number) {}

  async enter(): Promise<void> {
    if (this.free > 0) this.free--;
    else await new Promise<void>((resolve) => this.waiting.push(resolve));
  }

  leave(): void {
    const next = this.waiting.shift();
    if (next) next();
    else this.free++;
  }
}

/** Weights of the tensors named. */
export function weightsOf(forms: ReadonlyMap<string, PaletteForm>): number {
  return [...forms.values()].reduce((sum, { shape }) => sum + elementCount(shape), 0);
}

/** The palettes of a tensor as they are stored: half bits, `[groups, 2^bits]`. */
export function storedPalettes({ form, palettes }: FittedTensor): Uint16Array<ArrayBuffer> {
  const size = 2 ** form.bits;
  const out = new Uint16Array(groupCount(form) * size);
  palettes.forEach(({ entries }, group) => out.set(entries, group * size));
  return out;
}
