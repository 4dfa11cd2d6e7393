import type { PaletteBits } from '@pleinair/tensor';
import { paletteBits } from '@pleinair/weights';
import { PalettizeError } from '../../errors.js';
import { ProgressMeter } from '../../progress.js';
import type { LayerBits } from '../../bits.js';
import type { CalibrationReference } from '../../calibrate/calibration.js';
import type { LayerResults } from '../../recipe/recipe-file.js';
import { leastAverageBits, widthMetadata, type Analysis, type AnalysisOptions } from '../analysis.js';
import { baselineEvaluations, measureBaselines } from '../baselines.js';
import { mapLog } from '../evaluation-log.js';
import { Evaluations } from '../evaluations.js';
import type { LayerWeights } from '../layer-weights.js';
import { MeasuredRecipes } from '../measured-recipes.js';
import { allocate } from './allocate.js';
import { choicesOf, type ProbedLayer } from './error-model.js';

/** The widths that {@link analyzeFast} chooses from: all there are. */
export const fastWidths: readonly PaletteBits[] = paletteBits;

/** Average bits of the recipes that {@link analyzeFast} makes, where none are asked for. */
export const fastTargets: readonly number[] = [2.4, 2.8, 3.4, 4, 4.5, 5.5, 6.5];

/** Options of {@link analyzeFast}. */
export interface FastOptions extends AnalysisOptions {
  /** What each width does to a layer's weights: those the engine swaps to. */
  readonly weights: Pick<LayerWeights, 'errorOf'>;
  /** Widths, narrowest first. Default {@link fastWidths}. */
  readonly widths?: readonly PaletteBits[];
  /** The width each layer is tried at; one of `widths`. Default: 3, or the nearest wider one, or the widest. */
  readonly probe?: PaletteBits;
  /** Prompts each layer is tried on, from the first. Default 6, at most all there are. */
  readonly probePrompts?: number;
  /** Average bits to make a recipe for each. Default {@link fastTargets}, those that the widths can reach. */
  readonly targets?: readonly number[];
  /** What `weights` know of layers' inputs: the file that recipes name, and the model runs it was made of. */
  readonly calibration?: CalibrationReference & { readonly runs: number };
}

/**
 * What a log's results depend on, but for prompts and noise, which the engine knows. Targets are not among them: more
 * recipes can be made of what was measured.
 */
export function fastSettings(
  options: Pick<
    FastOptions,
    'modelVersion' | 'candidates' | 'widths' | 'probe' | 'probePrompts' | 'linear8Layers' | 'group' | 'calibration'
  >,
): Record<string, unknown> {
  const { modelVersion, candidates, linear8Layers, group = 0, calibration } = options;
  const layers = candidates.map(({ layer, shape }) => ({ layer, shape }));
  const { widths, probe, probePrompts } = settled(options);
  const settings = { method: 'fast', modelVersion, layers, widths, probe, probePrompts, linear8Layers, group };
  return calibration ? { ...settings, calibration: calibration.sha256 } : settings;
}

/**
 * Recipes of given sizes from few model runs; docs/palettize-fast.md has the formulas and what each part gains.
 *
 * 1. each layer is palettized alone at one width: the model's error on some prompts;
 * 2. at other widths that error is taken to change as what the weights say does (`errorOf`), which needs no run;
 * 3. for each size, bits go where they save most error a bit ({@link allocate}), palettes and padding counted;
 * 4. each recipe is measured as a whole, beside the baselines of the published analysis.
 *
 * Layers · probe prompts runs, one for each prompt of each recipe and baseline, and those of the calibration, if any.
 *
 * @throws `CancelledError`; `PalettizeError` `palettize/invalid-argument` for a probe or target that the widths cannot give,
 * `palettize/not-finite` where the engine gives such a PSNR; what the engine, the weights and the log throw. Whatever was
 * measured until then is in the log.
 */
export async function analyzeFast(options: FastOptions): Promise<Analysis> {
  const { candidates, engine, group = 0, signal } = options;
  const { widths, probe, probePrompts, targets } = settled(options);
  const run = new Evaluations(
    engine,
    options.log ?? mapLog(),
    new ProgressMeter(candidates.length + baselineEvaluations + targets.length, options.onProgress),
    signal,
  );
  const prompts = Array.from({ length: Math.min(probePrompts, engine.prompts) }, (_, i) => i);
  const alone: Record<string, readonly number[]> = {};
  const probed: ProbedLayer[] = [];
  for (const candidate of candidates) {
    const { layer, tensor, shape, weights } = candidate;
    const psnrs = await run.evaluate(`probe/${probe}/${layer}`, new Map([[layer, probe]]), prompts);
    const weightErrors = new Map<LayerBits, number>([[16, 0]]);
    for (const bits of widths) weightErrors.set(bits, await options.weights.errorOf(tensor, bits, signal));
    alone[layer] = psnrs;
    probed.push({ shape, weights, psnrs, tried: weightErrors.get(probe)!, weightErrors });
  }

  const baselines = await measureBaselines(run, options.linear8Layers ?? candidates.map(({ layer }) => layer));
  const choices = choicesOf(probed, group);
  const total = candidates.reduce((sum, { weights }) => sum + weights, 0);
  const measured = new MeasuredRecipes(run, candidates, group);
  for (const target of targets) {
    const chosen = allocate(choices, target * total);
    await measured.add(Object.fromEntries(candidates.map(({ layer }, i) => [layer, choices[i]![chosen[i]!]!.bits])));
  }
  await run.restore();
  const single: Record<string, LayerResults> = { [probe]: { metadata: widthMetadata(probe, group, false), ...alone } };
  const layers = candidates.map(({ layer, shape }) => ({ layer, shape }));
  const { calibration } = options;
  const runs = run.runs + (calibration?.runs ?? 0);
  const analysis = { method: 'fast', evaluations: run.evaluations, runs, layers, group };
  const file = {
    model_version: options.modelVersion,
    baselines: { ...baselines, ...measured.psnrs },
    recipes: measured.recipes,
    single_layer: single,
    cumulative: {},
    analysis,
    ...(calibration ? { calibration: { file: calibration.file, sha256: calibration.sha256 } } : {}),
  };
  return { file, runs };
}

/** The settings of an analysis, defaults filled in. */
function settled(
  options: Pick<FastOptions, 'candidates' | 'widths' | 'probe' | 'probePrompts' | 'targets' | 'group'>,
): {
  readonly widths: readonly PaletteBits[];
  readonly probe: PaletteBits;
  readonly probePrompts: number;
  readonly targets: readonly number[];
} {
  const { candidates, group = 0, probePrompts = 6 } = options;
  const widths = [...(options.widths ?? fastWidths)].sort((a, b) => a - b);
  const probe = options.probe ?? widths.find((bits) => bits >= 3) ?? widths.at(-1);
  if (probe === undefined || !widths.includes(probe)) {
    throw new PalettizeError(
      'palettize/invalid-argument',
      `analysis: expected a width to try among ${widths.join(', ') || 'some'}, got ${probe}. Allow it with the widths.`,
    );
  }
  const least = leastAverageBits(options.targets ?? [], candidates, widths[0], group);
  return { widths, probe, probePrompts, targets: options.targets ?? fastTargets.filter((target) => target >= least) };
}
