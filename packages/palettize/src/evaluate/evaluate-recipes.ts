import type { PaletteBits } from '@pleinair/tensor';
import type { AnalysisEngine, LayerForm, LinearForm, ModelState } from '../analyze/engine.js';
import { mapLog, type EvaluationLog } from '../analyze/evaluation-log.js';
import { Evaluations } from '../analyze/evaluations.js';
import { mean } from '../analyze/mean.js';
import { checkLayerBits, type LayerBits } from '../bits.js';
import { PalettizeError } from '../errors.js';
import { linearInt8Bits, perChannelLinearInt8, publishedLinearInt8, type LinearInt8Scheme } from '../linear-int8.js';
import { ProgressMeter, type Progress } from '../progress.js';
import { averageBits, layerStoredBits } from '../recipe/average-bits.js';
import { errorShares } from '../analyze/fast/error-model.js';
import type { Candidate } from '../recipe/candidates.js';
import type { RecipeFile } from '../recipe/recipe-file.js';
import type { CurvePoint } from './curve.js';

/** An analysis whose recipes are to be evaluated. */
export interface MethodToEvaluate {
  readonly file: RecipeFile;
  /** Gives layers the weights that this method's recipes mean, where they differ from those of the others. */
  readonly engine?: AnalysisEngine;
}

/** Weights of the fixed curves. */
export interface FixedWeights {
  readonly engine: AnalysisEngine;
  /** Whose `single_layer` measurements, of one width at least, were made with such weights. */
  readonly order: RecipeFile;
}

/** Options of {@link evaluateRecipes}. */
export interface EvaluateOptions {
  /** Runs prompts that no analysis has seen. It is left with its original weights. */
  readonly engine: AnalysisEngine;
  /** Layers that can be palettized, in the model's order. */
  readonly candidates: readonly Candidate[];
  /** Analyses by method. */
  readonly methods: Readonly<Record<string, MethodToEvaluate>>;
  /**
   * The file whose `single_layer` measurements give the order in which layers of the fixed curves are palettized; its
   * `cumulative` ones, if any, that of the published curves.
   */
  readonly order: RecipeFile;
  /** Other weights for the fixed curves than `engine` gives layers; those of `engine` are then measured too. */
  readonly fixed?: FixedWeights;
  /** Points of a fixed curve, at even steps of size, the last with all layers palettized. Default 16. */
  readonly points?: number;
  /** Where results are kept, and looked for first. Default: in memory. */
  readonly log?: EvaluationLog;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: Progress) => void;
}

/** A method's recipes, measured. */
export interface MethodCurve {
  /** Model runs that its analysis took. */
  readonly runs: number;
  /** Whether its recipes mean other weights than the nearest entries: {@link MethodToEvaluate.engine}. */
  readonly ownWeights: boolean;
  /** Fewest bits first. */
  readonly points: readonly (CurvePoint & { readonly recipe: string })[];
}

/** Curves of one width each, by width. */
export type FixedCurves = Readonly<Record<string, readonly CurvePoint[]>>;

/** What {@link evaluateRecipes} measured: PSNR in dB, averaged over prompts. */
export interface RecipeEvaluation {
  /** The original weights, f16 against f32. */
  readonly original: number;
  readonly methods: Readonly<Record<string, MethodCurve>>;
  readonly linear8: { readonly published: CurvePoint; readonly perChannel: CurvePoint };
  /** By width: the more layers are palettized, the fewer bits; fewest bits first, the rest of the layers as they are. */
  readonly fixed: FixedCurves;
  /** The same of nearest entries, where `fixed` is of others. */
  readonly fixedNearest?: FixedCurves;
  /**
   * Those of the published analysis: nearest entries, layers in the order of its `cumulative` measurements, whatever they
   * save. Absent where the order's file has none.
   */
  readonly fixedPublished?: FixedCurves;
  readonly prompts: number;
  /** Model runs of this evaluation. */
  readonly runs: number;
}

/** What the points of curves of one width are measured of, by width. */
type FixedSubjects = readonly { readonly bits: string; readonly subjects: readonly Subject[] }[];

/** What is measured, and what it takes. */
interface Subject {
  readonly bits: number;
  readonly indexBits: number;
  readonly state: ModelState;
}

/**
 * What a log's results depend on, but for prompts and noise; see `publishedSettings`. Recipes and
 * orders may change: results are kept by what the layers were.
 */
export function evaluationSettings({ candidates }: Pick<EvaluateOptions, 'candidates'>): Record<string, unknown> {
  return { purpose: 'evaluation', layers: candidates.map(({ layer, shape }) => ({ layer, shape })) };
}

/**
 * Measures recipes of any analyses on prompts that none has seen, beside what they have to be better than: linear int8
 * throughout, in two forms, and palettes of one width on more and more layers.
 *
 * @throws `CancelledError`; `PalettizeError` `palettize/not-finite`, and `palettize/invalid-argument` where an order names
 * layers that are no candidates; what the engine and the log throw. Whatever was measured until then is in the log.
 */
export async function evaluateRecipes(options: EvaluateOptions): Promise<RecipeEvaluation> {
  const { engine, candidates, methods, order, points = 16, log = mapLog(), signal } = options;
  const subjectOf = (state: ModelState, group?: number): Subject => {
    candidatesNamed([...state.keys()], candidates);
    const bitsOf = (layer: string): LayerBits => (state.get(layer) ?? 16) as LayerBits;
    return { state, bits: averageBits(candidates, bitsOf, group), indexBits: indexBits(candidates, bitsOf) };
  };
  const fixedBy = (ordered: (width: PaletteBits) => readonly Candidate[] | undefined): FixedSubjects =>
    Object.keys(order.single_layer).flatMap((bits) => {
      const width = checkLayerBits('single_layer', Number(bits)) as PaletteBits;
      const layers = ordered(width);
      const states = layers ? fixedStates(layers, width, points) : [];
      return layers ? [{ bits, subjects: states.map((state) => subjectOf(state, order.analysis?.group)) }] : [];
    });
  const byHarm = (measuredAlone: RecipeFile): FixedSubjects =>
    fixedBy((width) => leastHarmFirst(measuredAlone, width, candidates));
  const nearest = byHarm(order);
  const others = options.fixed && { ...options.fixed, curves: byHarm(options.fixed.order) };
  const published = fixedBy((width) => cumulativeOrder(order, width, candidates));
  const recipes = Object.entries(methods).map(([method, { file }]) => ({
    method,
    subjects: Object.entries(file.recipes).map(([recipe, bits]) => {
      const state = new Map(Object.entries(bits).filter(([, width]) => width !== 16));
      return { recipe, subject: subjectOf(state, file.analysis?.group) };
    }),
  }));
  const all = [...nearest, ...published, ...(others?.curves ?? []), ...recipes];
  const count = all.reduce((sum, { subjects }) => sum + subjects.length, 3);
  const meter = new ProgressMeter(count, options.onProgress);
  const shared = new Evaluations(engine, log, meter, signal);
  const measured = async ({ state, ...sizes }: Subject, by = shared, engineName = ''): Promise<CurvePoint> => {
    const key = `${engineName}/${candidates.map(({ layer }) => state.get(layer) ?? 16).join()}`;
    return { ...sizes, psnr: mean(await by.evaluate(key, state)) };
  };

  let runs = 0;
  const measuredCurves = async (curves: FixedSubjects, by = shared, engineName = ''): Promise<FixedCurves> => {
    const found: Record<string, CurvePoint[]> = {};
    for (const { bits, subjects } of curves) {
      const curve: CurvePoint[] = [];
      for (const subject of subjects) curve.push(await measured(subject, by, engineName));
      found[bits] = curve.reverse();
    }
    return found;
  };
  const fixedNearest = await measuredCurves(nearest);
  const fixedPublished = published.length > 0 ? await measuredCurves(published) : undefined;
  let fixed: FixedCurves | undefined;
  if (others) {
    const by = new Evaluations(others.engine, log, meter, signal);
    fixed = await measuredCurves(others.curves, by, 'fixed');
    await by.restore();
    runs += by.runs;
  }
  const original = mean(await shared.original());
  const linear = (form: LinearForm, scheme: LinearInt8Scheme): Promise<CurvePoint> =>
    measured({
      bits: linearBits(candidates, scheme),
      indexBits: 8,
      state: new Map(candidates.map(({ layer }) => [layer, form])),
    });
  const linear8 = {
    published: await linear('linear8', publishedLinearInt8),
    perChannel: await linear('linear8-per-channel', perChannelLinearInt8),
  };

  const byMethod: Record<string, MethodCurve> = {};
  for (const { method, subjects } of recipes) {
    const { file, engine: own } = methods[method]!;
    const by = own ? new Evaluations(own, log, meter, signal) : shared;
    const found: MethodCurve['points'][number][] = [];
    for (const { recipe, subject } of subjects) {
      // Another engine gives the same bits other weights.
      const point = await measured(subject, by, own ? method : '');
      found.push(Object.assign(point, { recipe }));
    }
    if (own) {
      await by.restore();
      runs += by.runs;
    }
    found.sort((a, b) => a.bits - b.bits);
    byMethod[method] = { runs: file.analysis?.runs ?? 0, ownWeights: own !== undefined, points: found };
  }
  await shared.restore();
  runs += shared.runs;
  const curves = {
    ...(fixed ? { fixed, fixedNearest } : { fixed: fixedNearest }),
    ...(fixedPublished ? { fixedPublished } : {}),
  };
  return { original, methods: byMethod, linear8, ...curves, prompts: engine.prompts, runs };
}

/**
 * Layers in the order in which a curve of one width takes them: those first that do the least error, measured alone, for
 * each bit that they save. Errors are shares of each prompt's, averaged over prompts, as in the fast analysis; where they
 * were not measured at this width, those of another tell as well how layers compare.
 */
function leastHarmFirst(
  { single_layer: alone, analysis }: RecipeFile,
  width: PaletteBits,
  candidates: readonly Candidate[],
): Candidate[] {
  const results = alone[width] ?? Object.values(alone)[0] ?? {};
  const names = Object.keys(results).filter((key) => key !== 'metadata');
  const layers = candidatesNamed(names, candidates);
  const shares = errorShares(layers.map(({ layer }) => results[layer] as readonly number[]));
  const harms = layers.map((candidate, i) => {
    const saved = 16 * candidate.weights - layerStoredBits(candidate, width, analysis?.group);
    return { candidate, harm: shares[i]! / Math.max(saved, 1) };
  });
  return harms.sort((a, b) => a.harm - b.harm).map(({ candidate }) => candidate);
}

/** Layers in the order in which the published analysis palettized them one after another at a width, where the file has it. */
function cumulativeOrder(
  { cumulative }: RecipeFile,
  width: PaletteBits,
  candidates: readonly Candidate[],
): Candidate[] | undefined {
  const metadata: unknown = cumulative[width]?.['metadata'];
  const names: unknown =
    typeof metadata === 'object' && metadata !== null && 'candidates' in metadata && metadata.candidates;
  if (!Array.isArray(names)) return undefined;
  return candidatesNamed(names.map(String), candidates);
}

/** A width on more and more layers, in an order: at even steps of size, the last all of them. */
function fixedStates(order: readonly Candidate[], width: PaletteBits, points: number): ModelState[] {
  const total = order.reduce((sum, { weights }) => sum + weights, 0);
  const states: ModelState[] = [];
  const state = new Map<string, LayerForm>();
  let weights = 0;
  let steps = 0;
  for (const [i, candidate] of order.entries()) {
    state.set(candidate.layer, width);
    weights += candidate.weights;
    const reached = Math.floor((weights * points) / total);
    if (reached === steps && i < order.length - 1) continue;
    steps = reached;
    states.push(new Map(state));
  }
  return states;
}

/** The candidates with these names. */
function candidatesNamed(names: readonly string[], candidates: readonly Candidate[]): Candidate[] {
  const known = new Map(candidates.map((candidate) => [candidate.layer, candidate]));
  return names.map((layer) => {
    const candidate = known.get(layer);
    if (candidate) return candidate;
    throw new PalettizeError(
      'palettize/invalid-argument',
      `evaluation: expected layers among the model's ${candidates.length} candidates, got ${layer}. ` +
        'Take an analysis of this model with the same least size of layers.',
    );
  });
}

function indexBits(candidates: readonly Candidate[], bitsOf: (layer: string) => LayerBits): number {
  const bits = candidates.reduce((sum, { layer, weights }) => sum + weights * bitsOf(layer), 0);
  return bits / candidates.reduce((sum, { weights }) => sum + weights, 0);
}

function linearBits(candidates: readonly Candidate[], scheme: LinearInt8Scheme): number {
  const bits = candidates.reduce((sum, { shape }) => sum + linearInt8Bits(shape, scheme), 0);
  return bits / candidates.reduce((sum, { weights }) => sum + weights, 0);
}
