import type { BenchAdapter } from '@pleinair/bench';
import {
  advantages,
  psnrAt,
  type Advantage,
  type CurvePoint,
  type FixedCurves,
  type RecipeEvaluation,
} from '@pleinair/palettize';

/** Average bits at which methods are compared. */
export const comparedBits = [2.8, 3.4, 4.5, 6.5] as const;

/** How much better `fast` is to be at each of {@link comparedBits}, in dB, and the most runs it may take of `published`'s. */
export const asked = { gain: 3, runs: 1 / 10 } as const;

/** Something that is to hold of an evaluation. */
export interface Check {
  readonly what: string;
  readonly holds: boolean;
  /** The figures it rests on. */
  readonly figures: string;
}

/** Recipes of a model measured, as it is kept. */
export interface PalettizeRecord extends RecipeEvaluation {
  readonly adapter: BenchAdapter;
  readonly versions: Readonly<Record<string, string>>;
  /** Year, month, day. */
  readonly date: string;
  readonly command: string;
  readonly model: string;
  /** `fast` over `published`. */
  readonly advantages: readonly Advantage[];
  readonly checks: readonly Check[];
  /** Recipes beside curves of other kinds, of which nothing is asked: {@link otherCurves}. */
  readonly others: readonly string[];
}

/** Puts a record together. */
export function recordOf(
  evaluation: RecipeEvaluation,
  about: Pick<PalettizeRecord, 'adapter' | 'versions' | 'command' | 'model'>,
  now = new Date(),
): PalettizeRecord {
  const { adapter, versions, command, model } = about;
  const date = now.toISOString().slice(0, 10);
  const checks = [...curveChecks(evaluation), ...methodChecks(evaluation)];
  return {
    adapter,
    versions,
    date,
    command,
    model,
    ...evaluation,
    advantages: fastOverPublished(evaluation),
    checks,
    others: otherCurves(evaluation),
  };
}

/** What is measured of curves. */
type MeasuredCurves = Omit<RecipeEvaluation, 'prompts' | 'runs'>;

/**
 * What palettes are to reach whatever the method: 4-, 6- and 8-bit curves above the published linear int8 at its size,
 * and every mixed recipe above every curve of one width that has its size, made as the method makes them.
 */
export function curveChecks(evaluation: MeasuredCurves): Check[] {
  const { fixed, linear8, methods } = evaluation;
  const overLinear = ['4', '6', '8'].map((width) => {
    const { psnr, counting } = atSizeOf(linear8.published, fixed[width] ?? []);
    return {
      what: `the ${width}-bit curve is above linear 8-bit as published, at its size`,
      holds: psnr !== undefined && psnr > linear8.published.psnr,
      figures: `${told(psnr)} and ${pointTold(linear8.published)}${counting}`,
    };
  });
  const overFixed = Object.entries(methods).map(([method, { points, ownWeights }]) => {
    const { nearest, told: figures } = pairsOf(points, ownCurves(evaluation, ownWeights));
    return {
      what: `every recipe of ${method} is above every curve of one width`,
      holds: nearest !== undefined && nearest.gain > 0,
      figures,
    };
  });
  return [...overLinear, ...overFixed];
}

/**
 * How recipes stand beside curves of other kinds than their method's own: of calibrated palettes, of layers in another
 * order. Nothing is asked of them; they tell what a method leaves on the table.
 */
export function otherCurves(evaluation: MeasuredCurves): string[] {
  const { fixed, fixedNearest = fixed, fixedPublished } = evaluation;
  const kinds: readonly CurveKind[] = [
    { kind: 'of calibrated palettes', curves: fixedNearest === fixed ? undefined : fixed },
    { kind: 'of nearest entries, by error a bit', curves: fixedNearest },
    { kind: 'of nearest entries, in the published order', curves: fixedPublished },
  ];
  return Object.entries(evaluation.methods).flatMap(([method, { points, ownWeights }]) => {
    const own = ownCurves(evaluation, ownWeights);
    return kinds.flatMap(({ kind, curves }) => {
      if (!curves || curves === own) return [];
      return [`${method} beside curves ${kind}: ${pairsOf(points, curves).told}`];
    });
  });
}

/** Curves of one width and what they are of. */
interface CurveKind {
  readonly kind: string;
  readonly curves?: FixedCurves;
}

/**
 * The curves of one width that a method is to lie above: made with its own weights and its own order of layers. The
 * published method has one of its own, layers one after another by the harm they do alone, which is what its recipes are
 * chosen by.
 */
function ownCurves(
  { fixed, fixedNearest = fixed, fixedPublished = fixedNearest }: MeasuredCurves,
  ownWeights: boolean,
): FixedCurves {
  return ownWeights ? fixed : fixedPublished;
}

/** Each recipe beside each curve that has its size: how many are above, and the one that is least so. */
function pairsOf(
  points: readonly CurvePoint[],
  curves: FixedCurves,
): { readonly nearest?: { readonly gain: number }; readonly told: string } {
  const pairs = points.flatMap((point) =>
    Object.entries(curves).flatMap(([width, curve]) => {
      const psnr = psnrAt(curve, point.bits);
      return psnr === undefined ? [] : [{ width, point, psnr, gain: point.psnr - psnr }];
    }),
  );
  const nearest = pairs.toSorted((a, b) => a.gain - b.gain)[0];
  if (!nearest) return { told: 'nothing to compare' };
  const above = pairs.filter(({ gain }) => gain > 0).length;
  const least = `${pointTold(nearest.point)}, ${nearest.width}-bit curve ${told(nearest.psnr)}`;
  return { nearest, told: `${above} of ${pairs.length} pairs above; nearest: ${least}` };
}

/**
 * A curve's PSNR at the size of a point. In a small model palettes weigh so much that 8 bits throughout can take more than
 * linear int8 with its scales: where a curve does not come down to that size, sizes are those of indices and codes alone,
 * as in the published figure.
 */
function atSizeOf(point: CurvePoint, curve: readonly CurvePoint[]): { psnr?: number; counting: string } {
  const psnr = psnrAt(curve, point.bits);
  if (psnr !== undefined || point.indexBits === undefined) return { psnr, counting: '' };
  const indices = curve.flatMap(({ indexBits, psnr: each }) =>
    indexBits === undefined ? [] : [{ bits: indexBits, psnr: each }],
  );
  return { psnr: psnrAt(indices, point.indexBits), counting: ', sizes without palettes and scales' };
}

/** What `fast` is to reach beside `published`, where both are there. */
export function methodChecks(evaluation: Pick<RecipeEvaluation, 'methods'>): Check[] {
  const { published, fast } = evaluation.methods;
  if (!published || !fast) return [];
  const at = fastOverPublished(evaluation);
  const gains = comparedBits.map((bits) => {
    const found = at.find((one) => one.bits === bits);
    return {
      what: `fast is at least ${asked.gain} dB better than published at ${bits} bits`,
      holds: found !== undefined && found.gain >= asked.gain,
      figures: found ? `${told(found.of)} and ${told(found.over)}: ${found.gain.toFixed(1)} dB` : 'not reached by both',
    };
  });
  const share = fast.runs / published.runs;
  return [
    ...gains,
    {
      what: `fast takes at most ${asked.runs * 100} % of the runs`,
      holds: share <= asked.runs,
      figures: `${fast.runs} of ${published.runs}: ${(100 * share).toFixed(1)} %`,
    },
  ];
}

/** The record as lines for people. */
export function recordLines({ methods, linear8, fixed, original, checks, others, prompts }: PalettizeRecord): string[] {
  const ends = Object.entries(fixed).flatMap(([width, [least]]) => (least ? [`${width}-bit ${pointTold(least)}`] : []));
  return [
    `${prompts} prompts that no analysis has seen; original in f16 ${told(original)}`,
    `linear 8-bit as published ${pointTold(linear8.published)}, per output channel ${pointTold(linear8.perChannel)}`,
    `one width throughout: ${ends.join(', ')}`,
    ...Object.entries(methods).map(
      ([method, { runs, points }]) => `${method}, ${runs} runs: ${points.map(pointTold).join(', ')}`,
    ),
    ...checks.map(({ what, holds, figures }) => `${holds ? 'holds ' : 'FAILS '} ${what} (${figures})`),
    ...others.map((line) => `not asked: ${line}`),
  ];
}

function fastOverPublished({ methods }: Pick<RecipeEvaluation, 'methods'>): Advantage[] {
  return advantages(methods['fast']?.points ?? [], methods['published']?.points ?? [], comparedBits);
}

function told(psnr: number | undefined): string {
  return psnr === undefined ? 'not there' : `${psnr.toFixed(1)} dB`;
}

function pointTold({ bits, psnr }: CurvePoint): string {
  return `${bits.toFixed(2)} bits ${told(psnr)}`;
}
