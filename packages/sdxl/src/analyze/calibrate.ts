import { readLayerInputs, type Conditioning, type InputRun, type LayerInputOptions } from '@pleinair/diffusion';
import {
  InputStatistics,
  ProgressMeter,
  type CalibrationSaves,
  type InputMoments,
  type Progress,
} from '@pleinair/palettize';
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

/** What {@link inputMomentsOf} is given. */
export interface InputMomentsOptions extends Omit<LayerInputOptions, 'take' | 'resume' | 'onEvaluation'> {
  /** Where it is kept how far it is, and looked for first. @defaultValue nowhere */
  readonly saves?: CalibrationSaves;
  /** Model runs so far. */
  readonly onRuns?: (progress: Progress) => void;
}

/** Model runs of an evaluation and of a whole run: one for each prompt. */
const evaluationRuns = ({ prompts }: InputRun): number => prompts.length;
const wholeRuns = (run: InputRun): number => evaluationRuns(run) * run.schedule.evaluations.length;

/**
 * What the inputs of layers are like over runs. Runs of each schedule count alike: as much of the moments comes from the
 * metric's own step as from all timesteps of the others. Ended at any point, it goes on from what was saved after the last
 * evaluation, and finds the same to the bit.
 *
 * @throws As `readLayerInputs`; `PalettizeError` `palettize/not-finite`; what `saves` throws.
 */
export async function inputMomentsOf(
  device: Device,
  options: InputMomentsOptions,
): Promise<ReadonlyMap<string, InputMoments>> {
  const { runs, saves, onRuns, onLayers } = options;
  const gathering = new Map<string, InputStatistics>();
  const moments = new Map<string, InputMoments>();
  const evaluations = runs.reduce((sum, { schedule }) => sum + schedule.evaluations.length, 0);
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
  let meter: ProgressMeter | undefined;
  await readLayerInputs(device, {
    ...options,
    take,
    async resume({ tensors, index, sets }) {
      meter ??= new ProgressMeter(sets * runs.reduce((sum, run) => sum + wholeRuns(run), 0), onRuns);
      const saved = await saves?.load(index);
      // Sets are others where more or less is kept at once: what was saved is then of no use.
      if (saved?.sums.size !== tensors.length || !tensors.every((tensor) => saved.sums.has(tensor))) return undefined;
      for (const [tensor, sums] of saved.sums) {
        gathering.set(tensor, new InputStatistics(tensor, sums.squares.length, sums));
      }
      const under = runs[saved.run];
      const known = runs.slice(0, saved.run).reduce((sum, run) => sum + wholeRuns(run), 0);
      meter.skip(known + (under ? saved.evaluations * evaluationRuns(under) : 0));
      return saved;
    },
    async onEvaluation(at, { index }) {
      if (saves) {
        const sums = new Map([...gathering].map(([tensor, statistics]) => [tensor, statistics.sums]));
        await saves.save(index, { ...at, sums });
      }
      meter?.add(evaluationRuns(runs[at.planes ? at.run : at.run - 1]!));
    },
    // The layers of a set are complete: only their moments are kept.
    onLayers(done, total) {
      for (const [tensor, statistics] of gathering) moments.set(tensor, statistics.moments());
      gathering.clear();
      onLayers?.(done, total);
    },
  });
  return moments;
}
