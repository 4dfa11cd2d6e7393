import type {
  CheckpointTensor,
  LatentPipeline,
  ModelDefaults,
  PartPalettes,
  PartSpec,
  PipelineOptions,
  PipelineShape,
  ShapedPlan,
} from '@pleinair/diffusion';
import type { SchedulerConfig } from '@pleinair/schedulers';
import type { Device, DeviceProfile, Graph, PlanOptions } from '@pleinair/tensor';
import type { ModelSource } from '@pleinair/weights';

/**
 * A model as its configuration tells it: parts, graphs and plans; no weights were looked at. `Name` are its parts' names,
 * e.g. `unet`.
 */
export interface ModelDescription<Name extends string = string> {
  /** The architecture's short name, e.g. `sdxl`. */
  readonly architecture: string;
  /** What the model's makers call it, if they left word. */
  readonly name?: string;
  readonly defaults: ModelDefaults;
  /** `scheduler_config.json`, parsed. */
  readonly scheduler: SchedulerConfig;
  /** Those that make a picture of a text, in the order in which they work. */
  readonly parts: readonly PartSpec<Name>[];
  /** Folder of each part's weights in diffusers layout. */
  readonly partFolders: Readonly<Record<Name, string>>;
  /** The tensors of a part's checkpoint. */
  tensorsOf(part: Name): readonly CheckpointTensor[];
  /** The graph of a part for a shape. */
  record(shape: PipelineShape, part: Name, palettesOf?: PartPalettes<Name>): Graph;
  /**
   * What every part needs for a shape.
   *
   * @throws ShapeError `shape/size`; DeviceError `device/limit`, which says what fits.
   */
  plan(
    shape: PipelineShape,
    profile?: DeviceProfile,
    options?: PlanOptions,
    palettesOf?: PartPalettes<Name>,
  ): ModelPlan;
}

/** A whole pipeline's figures, and the shape they are for. */
export type ModelPlan = ShapedPlan<string>;

/** A kind of model that can be described, and perhaps run. */
export interface Architecture {
  /** E.g. `sdxl`. */
  readonly name: string;
  /** In words, e.g. `Stable Diffusion XL`. */
  readonly title: string;
  /** Values of `_class_name` in the `model_index.json` of such models. */
  readonly classNames: readonly string[];
  /** Official models whose configuration is known without files, by name. */
  readonly presets: Readonly<Record<string, () => ModelDescription>>;
  /**
   * Reads and checks a model's configuration.
   *
   * @throws `ConfigError`, `SchedulerError`; `WeightError` where a file is missing.
   */
  describe(source: ModelSource, signal?: AbortSignal): Promise<ModelDescription>;
  /** Opens a model on a device; absent where this version makes no pictures with such models. */
  open?(source: ModelSource, device: Device, options: PipelineOptions): Promise<LatentPipeline>;
}

/** A kind of model that pictures can be made with. */
export type RunnableArchitecture = Architecture & Required<Pick<Architecture, 'open'>>;
