import { readLayerInputs, type Conditioning, type InputRun, type LayerInputOptions } from '@pleinair/diffusion';
import { InputStatistics, type InputMoments } from '@pleinair/palettize';
import type { SamplingPlan } from '@pleinair/schedulers';
import type { Device } from '@pleinair/tensor';

/** Rows of a layer that are looked at in all runs together, evenly spread over its outputs. */
const rowsLookedAt = 3072;

/** Steps of the schedule that is run beside the metric's single one: early, in the middle, late. */
export const calibrationSteps = 3;

/** What {@link inputMomentsOf} is given. */
export interface CalibrationRuns {
  readonly texts: readonly Conditioning[];
  /** That of the metric's single step first. */
  readonly schedules: readonly SamplingPlan[];
  /** Prompts that go through the UNet at once; divides their number. */
  readonly together: number;
  /** Of the noise: each run has seeds of its own, beginning here. */
  readonly seed: number;
}

/** Every prompt by every schedule, each with noise that no other run has. */
export function calibrationRuns({ texts, schedules, together, seed }: CalibrationRuns): InputRun[] {
  const runs: InputRun[] = [];
  schedules.forEach((schedule, s) => {
    for (let first = 0; first < texts.length; first += together) {
      const prompts = texts
        .slice(first, first + together)
        .map((each, i) => ({ texts: each, seed: seed + s * texts.length + first + i }));
      runs.push({ prompts, schedule });
    }
  });
  return runs;
}

/**
 * What the inputs of layers are like over runs. Runs of each schedule count alike: as much of the moments comes from the
 * metric's own step as from all timesteps of the others.
 *
 * @throws As `readLayerInputs`; `PalettizeError` `palettize/not-finite`.
 */
export async function inputMomentsOf(
  device: Device,
  options: Omit<LayerInputOptions, 'take'>,
): Promise<ReadonlyMap<string, InputMoments>> {
  const { onLayers } = options;
  const gathering = new Map<string, InputStatistics>();
  const moments = new Map<string, InputMoments>();
  const finish = (): void => {
    for (const [tensor, statistics] of gathering) moments.set(tensor, statistics.moments());
    gathering.clear();
  };
  const evaluations = options.runs.reduce((sum, { schedule }) => sum + schedule.evaluations.length, 0);
  const rowsOfEach = Math.ceil(rowsLookedAt / evaluations);
  let row = new Float64Array(0);
  const take: LayerInputOptions['take'] = (tensor, rows, { times }) => {
    const statistics = gathering.get(tensor) ?? new InputStatistics(tensor, rows.columns);
    gathering.set(tensor, statistics);
    if (row.length !== rows.columns) row = new Float64Array(rows.columns);
    const count = Math.min(rows.count, rowsOfEach);
    const weight = 1 / (count * times);
    for (let i = 0; i < count; i++) {
      rows.copy(Math.floor(((i + 0.5) * rows.count) / count), row);
      statistics.add(row, weight);
    }
  };
  await readLayerInputs(device, {
    ...options,
    take,
    // The layers of a batch are complete: only their moments are kept.
    onLayers(done, total) {
      finish();
      onLayers?.(done, total);
    },
  });
  return moments;
}
