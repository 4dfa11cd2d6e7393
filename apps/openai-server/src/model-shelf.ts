import type { GenerateRequest, GenerateResult, ModelDefaults } from 'pleinair';
import { ApiError } from './api-error.js';

/** What the server asks of a model; a `Painter` of `pleinair` is one. */
export interface ShelfPainter {
  readonly adapter: string;
  readonly config: { readonly defaults: Pick<ModelDefaults, 'width' | 'height' | 'steps'> };
  generate(request: GenerateRequest): Promise<GenerateResult>;
  dispose(): void;
}

/** The models that are served, by name. One is on the GPU at a time: the last one asked for. */
export class ModelShelf {
  private current: { readonly name: string; readonly painter: ShelfPainter } | undefined;

  /**
   * @param names - The first is taken where a request names none.
   * @param open - Opens a model; called when it is first asked for, and again after another was.
   * @param aliases - Other names by which clients ask, such as `dall-e-3`.
   */
  constructor(
    readonly names: readonly string[],
    private readonly open: (name: string, signal: AbortSignal) => Promise<ShelfPainter>,
    readonly aliases: Readonly<Record<string, string>> = {},
  ) {}

  /** The GPU in words, once there is one. */
  get adapter(): string | undefined {
    return this.current?.painter.adapter;
  }

  /**
   * The model's own name.
   *
   * @throws {@link ApiError} 404 `model_not_found`
   */
  find(asked: string | undefined): string {
    const name = asked === undefined ? this.names[0] : (this.aliases[asked] ?? asked);
    if (name !== undefined && this.names.includes(name)) return name;
    const known = [...this.names, ...Object.keys(this.aliases)].join(', ');
    throw new ApiError(404, `The model \`${asked}\` does not exist here. This server has: ${known}.`, {
      param: 'model',
      code: 'model_not_found',
    });
  }

  /** A painter of that model. To be called by one at a time. */
  async take(name: string, signal: AbortSignal): Promise<ShelfPainter> {
    if (this.current?.name === name) return this.current.painter;
    this.drop();
    const painter = await this.open(name, signal);
    this.current = { name, painter };
    return painter;
  }

  /** Lets go of the model on the GPU, for instance after the device was lost. */
  drop(): void {
    this.current?.painter.dispose();
    this.current = undefined;
  }
}
