import { PalettizeError } from '../errors.js';
import type { AnalysisEngine, LayerForm, MeasureOptions } from './engine.js';
import type { LayerWeights } from './layer-weights.js';
import { psnr } from './psnr.js';

/** A model that is loaded and run again and again, of given prompts, while its weights are exchanged. */
export interface ModelProbe {
  /** One forward of each prompt's guided pair: the outputs PSNR is read from, in order, with the weights there are. */
  run(prompts: readonly number[], signal?: AbortSignal): Promise<readonly Float32Array[]>;
  /** Gives a tensor of the checkpoint other values, half bits in the checkpoint's order. */
  replace(tensor: string, halves: Uint16Array<ArrayBuffer>): Promise<void>;
  dispose(): void;
}

/** Options of {@link ProbeEngine.open}. */
export interface ProbeEngineOptions {
  /** Loads the model with its original weights, stored and computed so. One is open at a time. */
  open(precision: 'f16' | 'f32', signal?: AbortSignal): Promise<ModelProbe>;
  /** How many prompts the probe knows. */
  readonly prompts: number;
  /** The forms layers are swapped to. */
  readonly weights: Pick<LayerWeights, 'get'>;
}

/**
 * An analysis engine over a model that repeats itself exactly: PSNR is read against what the original weights in f16 gave
 * when it was opened.
 */
export class ProbeEngine implements AnalysisEngine {
  private runCount = 0;
  private probe: ModelProbe | undefined;
  private references: readonly Float32Array[] = [];
  private readonly forms = new Map<string, LayerForm>();

  private constructor(private readonly options: ProbeEngineOptions) {}

  /**
   * Loads the model and runs it on every prompt.
   *
   * @throws `PalettizeError` `palettize/not-finite` where the original weights give infinities or NaN; what the probe throws.
   */
  static async open(options: ProbeEngineOptions, signal?: AbortSignal): Promise<ProbeEngine> {
    const engine = new ProbeEngine(options);
    try {
      engine.references = await engine.outputs(await engine.loaded(signal), engine.all, signal);
      engine.references.forEach((output, prompt) => checkFinite(output, prompt));
    } catch (error) {
      engine.dispose();
      throw error;
    }
    return engine;
  }

  get prompts(): number {
    return this.options.prompts;
  }

  get runs(): number {
    return this.runCount;
  }

  async swap(layer: string, form: LayerForm, signal?: AbortSignal): Promise<void> {
    const probe = await this.loaded(signal);
    await this.give(probe, layer, form, signal);
    if (form === 16) this.forms.delete(layer);
    else this.forms.set(layer, form);
  }

  async measure({ prompts = this.all, signal }: MeasureOptions = {}): Promise<number[]> {
    return this.against(prompts, await this.outputs(await this.loaded(signal), prompts, signal));
  }

  /**
   * The outputs PSNR is read against, held against those of the same weights stored and computed in f32. Where an adapter
   * cannot compute in f16, "f16" is f16 storage of weights and activations, which it then is in every other run too. The
   * model is loaded anew for it and after it, so that only one is on the GPU at a time.
   */
  async measureOriginal({ prompts = this.all, signal }: MeasureOptions = {}): Promise<number[]> {
    this.close();
    const exact = await this.options.open('f32', signal);
    try {
      const outputs = await this.outputs(exact, prompts, signal);
      return outputs.map((output, i) => psnr(output, this.references[prompts[i]!]!));
    } finally {
      exact.dispose();
    }
  }

  /** Frees everything on the GPU. */
  dispose(): void {
    this.close();
  }

  private get all(): readonly number[] {
    return Array.from({ length: this.options.prompts }, (_, i) => i);
  }

  private against(prompts: readonly number[], outputs: readonly Float32Array[]): number[] {
    return outputs.map((output, i) => psnr(this.references[prompts[i]!]!, output));
  }

  private async outputs(
    probe: ModelProbe,
    prompts: readonly number[],
    signal: AbortSignal | undefined,
  ): Promise<readonly Float32Array[]> {
    const known = this.options.prompts;
    const unknown = prompts.find((prompt) => !Number.isInteger(prompt) || prompt < 0 || prompt >= known);
    if (unknown !== undefined) {
      throw new PalettizeError(
        'palettize/invalid-argument',
        `measure: expected prompts from 0 to ${known - 1}, got ${unknown}. Ask for prompts that there are.`,
      );
    }
    const outputs = await probe.run(prompts, signal);
    this.runCount += prompts.length;
    return outputs;
  }

  /** The model with the forms its layers were given last. */
  private async loaded(signal: AbortSignal | undefined): Promise<ModelProbe> {
    if (this.probe) return this.probe;
    const probe = await this.options.open('f16', signal);
    try {
      for (const [layer, form] of this.forms) await this.give(probe, layer, form, signal);
    } catch (error) {
      probe.dispose();
      throw error;
    }
    this.probe = probe;
    return probe;
  }

  private async give(
    probe: ModelProbe,
    layer: string,
    form: LayerForm,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const tensor = `${layer}.weight`;
    await probe.replace(tensor, await this.options.weights.get(tensor, form, signal));
  }

  private close(): void {
    this.probe?.dispose();
    this.probe = undefined;
  }
}

function checkFinite(output: Float32Array, prompt: number): void {
  if (output.every((value) => Number.isFinite(value))) return;
  throw new PalettizeError(
    'palettize/not-finite',
    `prompt ${prompt + 1}: expected finite outputs of the original weights, got infinities or NaN. ` +
      'The model overflows in fp16: use a checkpoint made for it.',
  );
}
