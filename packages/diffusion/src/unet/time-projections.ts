import { gatherRows, linear, linearWeight, type ImageRows } from '@pleinair/kernels';
import { plainRows, type Graph, type Tensor, type WeightScope } from '@pleinair/tensor';
import type { UNetConfig } from './config.js';
import { timeEmbedding } from './time-embedding.js';

/** What the time-embedding projections are made of. */
export interface TimeProjectionInputs {
  /** f32 `[batch · evaluations, 1]`: every evaluation's timestep, once for each image of the batch. */
  readonly timesteps: Tensor;
  /** u32 `[batch]`: the number of the evaluation that is about to run, the same for each image. */
  readonly evaluation: Tensor;
  readonly batch: number;
  /** Evaluations of a run, at most. */
  readonly evaluations: number;
  /** `[batch, 4·c0]`, from `addedEmbedding`. */
  readonly added?: Tensor;
  /** f32 `[batch · evaluations, timeCondDim]`, for UNets that are told the guidance scale. */
  readonly guidanceEmbedding?: Tensor;
  /** The segment that makes them: once for all evaluations. */
  readonly segment: string;
  /** Tells apart what two guidance halves that run in turn store. */
  readonly suffix: string;
}

/**
 * The `time_emb_proj` of every resnet, for all evaluations of a run at once, before its loop: they depend on timesteps and
 * prompt only. They lie side by side in one tensor, f32 `[batch, evaluations, columns]`; an evaluation picks its rows in
 * one small dispatch, and each convolution reads its own columns of them. So the loop needs none of these layers'
 * weights.
 */
export class TimeProjections {
  private readonly embedding: Tensor;
  private readonly stored: Tensor;
  private readonly current: Tensor;
  private taken = 0;

  constructor(
    private readonly g: Graph,
    scope: WeightScope,
    config: UNetConfig,
    private readonly inputs: TimeProjectionInputs,
  ) {
    const { timesteps, evaluation, batch, evaluations, segment, suffix } = inputs;
    this.embedding = g.within(segment, () => timeEmbedding(g, scope, config, timesteps, inputs)); // [batch·evaluations, 4·c0]
    this.stored = g.tensor(`time_emb_proj${suffix}`, [batch, evaluations, projectionColumns(config)], 'f32');
    this.current = gatherRows(g, this.stored, evaluation, { label: `time_emb_proj.current${suffix}` }); // [batch, columns]
  }

  /** Records a resnet's projection and gives the columns that hold it in the evaluation about to run. */
  of(scope: WeightScope, outChannels: number): ImageRows {
    const { g, embedding } = this;
    const firstColumn = this.taken;
    this.taken += padded(outChannels);
    g.within(this.inputs.segment, () =>
      linear(g, embedding, linearWeight(scope, outChannels, embedding.shape.at(-1)!), {
        bias: scope.weight('bias', [outChannels], plainRows),
        preActivation: 'silu',
        into: { tensor: this.stored, firstColumn },
        label: scope.prefix + this.inputs.suffix,
      }),
    );
    return { rows: this.current, firstColumn };
  }
}

/** Columns of all projections together: `time_emb_proj` of every resnet, each padded to whole vec4s. */
function projectionColumns({ levels, upLevels, midLevel, layersPerBlock }: UNetConfig): number {
  const of =
    (resnets: number) =>
    (sum: number, { channels }: { channels: number }) =>
      sum + resnets * padded(channels);
  return (
    levels.reduce(of(layersPerBlock), 0) + 2 * padded(midLevel.channels) + upLevels.reduce(of(layersPerBlock + 1), 0)
  );
}

function padded(channels: number): number {
  return Math.ceil(channels / 4) * 4;
}
