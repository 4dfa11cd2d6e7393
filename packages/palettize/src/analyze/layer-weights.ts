import { fromHalfArray, toHalfArray, type PaletteBits } from '@pleinair/tensor';
import { elementCount, type Component, type ComponentEntry, isPaletteBits, columnsOf } from '@pleinair/weights';
import { ErrorFeedback } from '../apply/error-feedback.js';
import { feedRows, type PalettesOfRows } from '../apply/feed-rows.js';
import { fitTensor, type FitOptions } from '../apply/fit-tensor.js';
import { Limit } from '../apply/limit.js';
import { readRows } from '../apply/read-rows.js';

import { PalettizeError } from '../errors.js';

import { paletteLookup } from '../kmeans/lookup.js';
import type { Palette } from '../kmeans/palette.js';
import { linearInt8, perChannelLinearInt8, publishedLinearInt8, type LinearInt8Scheme } from '../linear-int8.js';
import type { LayerForm } from './engine.js';

/** Options of {@link LayerWeights}. */
export interface LayerWeightsOptions extends Omit<FitOptions, 'meter' | 'signal'> {
  /** Widths that will be asked for: a layer is clustered once for all of them. */
  readonly widths: readonly PaletteBits[];
  /** Output channels that share a palette; 0, the default, where one serves all. */
  readonly group?: number;
  /** What `linear8` is. Default: the published baseline. */
  readonly linear8?: LinearInt8Scheme;
}

/** Bytes of weights chosen by error feedback that are kept, so that small models choose each only once. */
const rememberedBytes = 256e6;

/**
 * A part's weights in every form an analysis tries them in, as plain halves. A tensor is read when it is asked for, and
 * palettes are remembered: a few hundred bytes a layer and width. Entries chosen by error feedback take longer than reading
 * them: up to 256 MB are remembered too.
 */
export class LayerWeights {
  private readonly palettes = new Map<string, readonly (readonly Palette[])[]>();
  /** By tensor and width, where entries are chosen by error feedback. */
  private readonly errors = new Map<string, number>();
  /** By tensor and width. */
  private readonly chosen = new Map<string, Uint16Array<ArrayBuffer>>();
  private chosenBytes = 0;

  constructor(
    private readonly component: Component,
    private readonly options: LayerWeightsOptions,
  ) {}

  /**
   * A tensor's weights in a form, half bits in the checkpoint's order.
   *
   * @param tensor - Its name in the checkpoint, `.weight` included.
   * @throws As `fitPalettes`; `PalettizeError` `palettize/invalid-argument` for a tensor or width unknown.
   */
  async get(tensor: string, form: LayerForm, signal?: AbortSignal): Promise<Uint16Array<ArrayBuffer>> {
    const entry = this.entryOf(tensor);
    if (isPaletteBits(form)) {
      const key = `${tensor} ${form}`;
      const known = this.chosen.get(key);
      if (known) return known.slice();
      const palettes = await this.palettesOf(entry, form, signal);
      const halves = await wholeTensor(entry, signal);
      const inputs = this.options.inputsOf?.(tensor);
      if (!inputs) return this.decoded(halves, entry, palettes);
      this.errors.set(key, feedRows(new ErrorFeedback(inputs), halves, this.rowsOf(entry, palettes), 0));
      if (this.chosenBytes + halves.byteLength <= rememberedBytes) {
        this.chosenBytes += halves.byteLength;
        this.chosen.set(key, halves.slice());
      }
      return halves;
    }
    const halves = await wholeTensor(entry, signal);
    if (form === 16) return halves;
    const scheme = form === 'linear8' ? (this.options.linear8 ?? publishedLinearInt8) : perChannelLinearInt8;
    return toHalfArray(linearInt8(fromHalfArray(halves), entry.shape, scheme));
  }

  /**
   * What palettizing a tensor at a width does to it: `Σ δᵀ E[x xᵀ] δ` over its outputs' errors `δ` where its inputs are
   * known, else Σ importance · (weight − entry)².
   */
  async errorOf(tensor: string, bits: PaletteBits, signal?: AbortSignal): Promise<number> {
    const entry = this.entryOf(tensor);
    const palettes = await this.palettesOf(entry, bits, signal);
    const inputs = this.options.inputsOf?.(tensor);
    if (!inputs) return palettes.reduce((sum, { error }) => sum + error, 0);
    const known = this.errors.get(`${tensor} ${bits}`);
    if (known !== undefined) return known;
    await this.get(tensor, bits, signal);
    return this.errors.get(`${tensor} ${bits}`)!;
  }

  private rowsOf({ shape }: ComponentEntry, palettes: readonly Palette[]): PalettesOfRows {
    return { form: { shape, group: this.options.group ?? 0 }, palettes };
  }

  private entryOf(tensor: string): ComponentEntry {
    const entry = this.component.entries.get(tensor);
    if (entry) return entry;
    throw this.invalid(tensor, `a tensor of ${this.component.name}`, 'none of its names');
  }

  /** One palette a group. */
  private async palettesOf(entry: ComponentEntry, bits: PaletteBits, signal?: AbortSignal): Promise<Palette[]> {
    const { widths, solver, group = 0, importanceOf, inputsOf } = this.options;
    const at = widths.indexOf(bits);
    if (at < 0) throw this.invalid(entry.name, `${widths.join(', ')} bits`, `${bits}`);
    let groups = this.palettes.get(entry.name);
    if (!groups) {
      const limit = new Limit(solver.concurrency + 1);
      groups = await Promise.all(
        await fitTensor(entry, widths, group, { solver, importanceOf, inputsOf, signal }, limit),
      );
      this.palettes.set(entry.name, groups);
    }
    return groups.map((byWidth) => byWidth[at]!);
  }

  private decoded(
    halves: Uint16Array<ArrayBuffer>,
    { shape }: ComponentEntry,
    palettes: readonly Palette[],
  ): Uint16Array<ArrayBuffer> {
    const columns = columnsOf(shape);
    const elements = (this.options.group || shape[0]!) * columns;
    palettes.forEach((palette, group) => {
      const lookup = paletteLookup(palette);
      const end = Math.min(halves.length, (group + 1) * elements);
      for (let i = group * elements; i < end; i++) halves[i] = palette.entries[lookup[halves[i]!]!]!;
    });
    return halves;
  }

  private invalid(where: string, expected: string, got: string): PalettizeError {
    return new PalettizeError(
      'palettize/invalid-argument',
      `${where}: expected ${expected}, got ${got}. Check what the analysis asks for.`,
    );
  }
}

async function wholeTensor(entry: ComponentEntry, signal?: AbortSignal): Promise<Uint16Array<ArrayBuffer>> {
  const whole = new Uint16Array(elementCount(entry.shape));
  const columns = columnsOf(entry.shape);
  for await (const { firstRow, halves } of readRows(entry, signal)) whole.set(halves, firstRow * columns);
  return whole;
}
