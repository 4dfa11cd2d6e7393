import {
  AdapterError,
  openEmbedding,
  openLora,
  palettizedEntries,
  type Component,
  type Embedding,
  type LoraTarget,
  type ModelSource,
} from '@pleinair/weights';
import type { TextEncoding } from '../pipeline/latent-model.js';
import { PartAdapters, type LoraMode, type PartLora } from './part-adapters.js';

/** A file beside the model. */
export interface AdapterFile {
  readonly source: ModelSource;
  /** Relative to the source. */
  readonly path: string;
}

/** A LoRA to load. */
export interface LoraFile extends AdapterFile {
  /** How strongly it counts; 0 not at all, negative turned round. @defaultValue 1 */
  readonly scale?: number;
  /** By what name its scale is set; its file's name without ending where absent. */
  readonly name?: string;
}

/** What is loaded beside a model. */
export interface AdapterOptions {
  readonly loras?: readonly LoraFile[];
  /**
   * `merge`: LoRAs are added to weights as they load, at no cost afterwards. `branch`: they are computed beside the
   * weights, at a few per cent of the work, and changing a scale moves little. `auto`: merged into plain weights, beside
   * palettized ones, which are never unpacked. @defaultValue 'auto'
   */
  readonly loraMode?: LoraMode;
  /** Textual inversions by the names under which prompts use them. */
  readonly embeddings?: Readonly<Record<string, AdapterFile>>;
}

/** LoRAs and textual inversions of an opened model. */
export class PipelineAdapters {
  private constructor(
    private readonly names: readonly string[],
    private readonly parts: ReadonlyMap<string, PartAdapters>,
    private readonly scales: Map<string, number>,
    private readonly vectors: ReadonlyMap<string, Embedding>,
    /** What the user should know of the files. */
    readonly notes: readonly string[],
  ) {}

  /**
   * Opens the files: headers of LoRAs, embeddings whole.
   *
   * @param components - The parts that texts and pictures go through, by name.
   * @throws AdapterError; what `openSafetensors` throws.
   */
  static async open(
    components: ReadonlyMap<string, Component>,
    texts: readonly TextEncoding[],
    options: AdapterOptions,
    signal?: AbortSignal,
  ): Promise<PipelineAdapters> {
    const { loras = [], embeddings = {}, loraMode = 'auto' } = options;
    const targets = [...components].flatMap(([part, component]) => targetsOf(part, component));
    const names: string[] = [];
    const scales = new Map<string, number>();
    const opened = new Map<string, PartLora[]>();
    const notes: string[] = [];
    for (const { source, path, scale = 1, name } of loras) {
      const lora = await openLora(source, path, targets, { signal });
      const own = freeName(name ?? lora.name, names);
      checkScale(own, scale);
      names.push(own);
      scales.set(own, scale);
      notes.push(...lora.notes);
      for (const [part, modules] of lora.modules) {
        opened.set(part, [...(opened.get(part) ?? []), { name: own, modules, scale }]);
      }
    }
    const parts = new Map(
      [...opened].map(([part, of]) => [part, new PartAdapters(components.get(part)!, of, loraMode)] as const),
    );
    const widths = texts.map(({ part, config }) => ({ part, width: config.hiddenSize }));
    const vectors = new Map<string, Embedding>();
    for (const [name, { source, path }] of Object.entries(embeddings)) {
      checkName(name);
      vectors.set(name, await openEmbedding(source, path, widths, { signal }));
    }
    return new PipelineAdapters(names, parts, scales, vectors, notes);
  }

  /** What LoRAs change of a part; undefined for nothing. */
  of(part: string): PartAdapters | undefined {
    return this.parts.get(part);
  }

  /** Every LoRA's scale, in the order in which they were given. */
  get loraScales(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.scales);
  }

  /**
   * Sets scales; those not named stay.
   *
   * @returns The parts whose weights they change.
   * @throws AdapterError `lora/scale`, and then none is changed.
   */
  setScales(scales: Readonly<Record<string, number>>): string[] {
    for (const [name, scale] of Object.entries(scales)) {
      if (!this.scales.has(name)) {
        throw new AdapterError(
          'lora/scale',
          `setLoraScales: expected one of ${this.names.join(', ') || 'no LoRAs, as none was loaded'}, got "${name}". ` +
            'Name LoRAs as load was told, or by their files.',
        );
      }
      checkScale(name, scale);
    }
    const changed = new Set<string>();
    for (const [name, scale] of Object.entries(scales)) {
      if (this.scales.get(name) === scale) continue;
      this.scales.set(name, scale);
      for (const [part, adapters] of this.parts) {
        if (adapters.setScale(name, scale)) changed.add(part);
      }
    }
    return [...changed];
  }

  /** Names of embeddings, and how many vectors each has. */
  get embeddings(): ReadonlyMap<string, number> {
    return new Map([...this.vectors].map(([name, { vectors }]) => [name, vectors]));
  }

  /** `[vectors, width]` of an embedding for a text encoder. */
  vectorsOf(name: string, part: string): Float32Array {
    const values = this.vectors.get(name)?.values.get(part);
    if (values) return values;
    throw new AdapterError(
      'embedding/name',
      `prompt: expected the name of an embedding that was loaded (${[...this.vectors.keys()].join(', ') || 'none was'}), got "${name}". ` +
        'Load it with the model.',
    );
  }
}

function targetsOf(part: string, component: Component): LoraTarget[] {
  const palettized = palettizedEntries(component);
  const plain = [...component.entries.values()].filter(({ name }) => !palettized.has(name));
  return [...plain, ...palettized.values()].map(({ name, shape }) => ({ part, tensor: name, shape }));
}

/** Two files of one name are told apart by a number. */
function freeName(name: string, taken: readonly string[]): string {
  if (!taken.includes(name)) return name;
  for (let i = 2; ; i++) if (!taken.includes(`${name}-${i}`)) return `${name}-${i}`;
}

function checkScale(name: string, scale: number): void {
  if (Number.isFinite(scale)) return;
  throw new AdapterError('lora/scale', `LoRA ${name}: expected a finite scale, got ${scale}. 1 is as it was made.`);
}

function checkName(name: string): void {
  if (name.trim() === name && name !== '' && !/[()[\]\\:]/.test(name)) return;
  throw new AdapterError(
    'embedding/name',
    `embeddings: expected a name without brackets, colons, backslashes or white space at its ends, got ${JSON.stringify(name)}. Name it otherwise.`,
  );
}
