import { median, rounded, type BenchResult } from '@pleinair/bench';
import { join } from 'node:path';
import { load, MemoryTuningStore, type GenerateResult, type Painter } from 'pleinair';
import type { BenchContext } from './context.js';
import { roundRatios, takeTurns, type Turn } from './take-turns.js';

const request = { prompt: 'a snowy mountain under a full moon', seed: 7, steps: 20 };

const efforts = ['quick', 'full'] as const;
const own = 'pleinair, tune off';

/** No further round after this long; a round is a picture each way. */
const budgetMs = 240_000;

/**
 * What the tuner gains, end to end: whole pictures of the demo model by heuristics, by what a first run finds within its
 * budget, and by a full pass, taking turns in one process. Each has a store of its own, so that what is known on this
 * machine changes nothing. `ratio` is the time by heuristics over that by the tuner's choices.
 */
export async function* tune(context: BenchContext): AsyncGenerator<BenchResult> {
  const { filter, quick } = context;
  const offered = quick ? efforts.slice(0, 1) : efforts;
  const wanted = offered.filter((effort) => filter === undefined || shapeOf(effort).includes(filter));
  if (wanted.length === 0) return;
  const model = join(context.root, 'packages', 'demo-model', 'model');
  const painters: { readonly painter: Painter; readonly tuned: Tuned }[] = [];
  const open = async (effort: 'off' | 'quick' | 'full'): Promise<void> => {
    const { device, dtype } = context;
    const tuningStore = new MemoryTuningStore();
    const painter = await load(model, { device, precision: dtype, tune: effort, tuningStore });
    painters.push({ painter, tuned: await tuneIt(painter, effort) });
  };
  try {
    for (const effort of ['off', ...wanted] as const) await open(effort);
    const denoiseMs: number[][] = painters.map(() => []);
    const turns = await takeTurns(
      painters.map(
        ({ painter }, i) =>
          async () =>
            void denoiseMs[i]!.push((await painter.generate(request)).timings.denoiseMs),
      ),
      { rounds: context.care.rounds, budgetMs },
    );
    const [byHeuristics] = turns;
    for (const [i, effort] of wanted.entries()) {
      const timings = { turns: turns[i + 1]!, denoiseMs: denoiseMs[i + 1]!, heuristicsDenoiseMs: denoiseMs[0]! };
      yield resultOf(effort, painters[i + 1]!.tuned, timings, byHeuristics!);
    }
  } finally {
    for (const { painter } of painters) painter.dispose();
  }
}

/** What tuning found, and how long it took. */
interface Tuned {
  readonly ms: number;
  readonly shapes: number;
  readonly winners: number;
}

/** Tunes as the effort says, then makes a picture, so that later ones find everything compiled. */
async function tuneIt(painter: Painter, effort: 'off' | 'quick' | 'full'): Promise<Tuned> {
  const { steps } = request;
  // What a first picture would do by itself, done apart so that it can be told.
  const tuning = effort === 'off' ? undefined : await painter.tune({ steps, mode: effort });
  const picture: GenerateResult = await painter.generate(request);
  if (!tuning) return { ms: picture.timings.tuneMs, shapes: 0, winners: 0 };
  const { shapes, ms } = tuning;
  return { ms, shapes: shapes.length, winners: shapes.filter(({ winner }) => winner !== undefined).length };
}

function shapeOf(effort: (typeof efforts)[number]): string {
  return `demo model, 128×128 pixels, ${request.steps} steps, guided, tuned ${effort}`;
}

function resultOf(
  effort: (typeof efforts)[number],
  tuned: Tuned,
  timings: { readonly turns: Turn[]; readonly denoiseMs: number[]; readonly heuristicsDenoiseMs: number[] },
  byHeuristics: Turn[],
): BenchResult {
  const { turns, denoiseMs, heuristicsDenoiseMs } = timings;
  const ratios = roundRatios(byHeuristics, turns, 'ms');
  const of = (list: readonly Turn[], key: keyof Turn): number => rounded(median(list.map((turn) => turn[key])));
  return {
    suite: 'tune',
    shape: shapeOf(effort),
    variant: `${tuned.winners} of ${tuned.shapes} shapes by another variant`,
    ms: of(turns, 'ms'),
    spread: rounded((ratios.at(-1)! - ratios[0]!) / median(ratios)),
    cpuMs: of(turns, 'cpuMs'),
    peer: { name: own, ms: of(byHeuristics, 'ms'), cpuMs: of(byHeuristics, 'cpuMs') },
    ratio: rounded(median(ratios)),
    figures: {
      cpuRatio: rounded(median(roundRatios(byHeuristics, turns, 'cpuMs'))),
      denoiseRatio: rounded(median(heuristicsDenoiseMs) / median(denoiseMs)),
      rounds: ratios.length,
      tuneMs: Math.round(tuned.ms),
    },
  };
}
