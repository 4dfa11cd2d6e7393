import {
  latentSize,
  type LatentPipeline,
  type PictureRequest,
  type PictureResult,
  type RunState,
} from '@pleinair/diffusion';
import { ShapeError } from '@pleinair/tensor';

/** Where a refiner takes over when nobody says: its makers' own example. */
export const defaultRefinerStart = 0.8;

/**
 * Makes pictures with two models that share a schedule: the first runs it to `start`, the refiner from there on (the makers
 * of SDXL call it an ensemble of experts). Each reports its own steps; a state kept of either is gone on from by that one.
 *
 * @param start - Share of the schedule, above 0 and below 1.
 * @throws What `generate` of either throws; ShapeError `shape/option` for what a refiner cannot go on from.
 */
export async function generateRefined(
  base: LatentPipeline,
  refiner: LatentPipeline,
  request: PictureRequest,
  start: number,
): Promise<PictureResult> {
  for (const name of ['mask', 'denoisingStart', 'denoisingEnd'] as const) {
    if (request[name] === undefined) continue;
    throw new ShapeError(
      'shape/option',
      `generate: expected no ${name} with a refiner, got one. Load the model without the refiner.`,
    );
  }
  const { defaults } = base.config;
  // What the base decides by itself the refiner is told.
  const settled: PictureRequest = {
    ...request,
    steps: request.steps ?? defaults.steps,
    guidance: request.guidance ?? defaults.guidance,
    seed: request.seed ?? request.resume?.made.seed ?? crypto.getRandomValues(new Uint32Array(1))[0]!,
  };
  // What the refiner cannot do is told before the base has worked.
  const size = { width: request.width ?? defaults.width, height: request.height ?? defaults.height };
  const { width: columns, height: rows } = latentSize(refiner.config.vae, size.width, size.height);
  const nothing = new Float32Array(refiner.config.vae.latentChannels * columns * rows);
  const rest = {
    image: undefined,
    strength: undefined,
    clipSkip: undefined,
    denoisingStart: start,
    resume: undefined,
  } as const;
  const { resume, onStep } = request;
  const refine = (begun: NonNullable<RunState['begun']>, more: Partial<PictureRequest>): Promise<PictureResult> =>
    refiner.generate({
      ...settled,
      ...rest,
      ...more,
      latents: begun,
      onStep: onStep && ((step) => onStep(step.state ? { ...step, state: { ...step.state, begun } } : step)),
    });
  if (resume?.begun) {
    const { width = resume.made.width, height = resume.made.height } = request;
    return refine(resume.begun, { width, height, resume });
  }
  refiner.check({ ...settled, ...size, ...rest, latents: Array.from({ length: settled.count ?? 1 }, () => nothing) });
  const begun = await base.generate({ ...settled, output: 'latent', denoisingEnd: start, onImage: undefined });
  const { width, height } = begun;
  const refined = await refine(
    begun.images.map(({ latents }) => latents),
    { width, height },
  );
  const both = [begun, refined];
  const adapted = Object.values(base.loraScales).some((scale) => scale !== 0);
  const refinerNotes = adapted ? ['LoRAs change the model, not its refiner, which has other weights.'] : [];
  const sum = (key: keyof PictureResult['timings']): number => both.reduce((all, { timings }) => all + timings[key], 0);
  const most = (key: 'weightsBytes' | 'intermediatesBytes' | 'persistentBytes' | 'peakBytes'): number =>
    Math.max(...both.map(({ memory }) => memory[key]));
  const evaluations = both.reduce((all, each) => all + (each.stepsPerSecond * each.timings.denoiseMs) / 1000, 0);
  const keys = Object.keys(refined.timings) as (keyof PictureResult['timings'])[];
  return {
    ...refined,
    timings: Object.fromEntries(keys.map((key) => [key, sum(key)])) as unknown as PictureResult['timings'],
    stepsPerSecond: (evaluations * 1000) / sum('denoiseMs'),
    pipelines: {
      used: begun.pipelines.used + refined.pipelines.used,
      compiled: begun.pipelines.compiled + refined.pipelines.compiled,
    },
    memory: {
      weightsBytes: most('weightsBytes'),
      intermediatesBytes: most('intermediatesBytes'),
      persistentBytes: most('persistentBytes'),
      peakBytes: most('peakBytes'),
      mode: refined.memory.mode,
    },
    notes: [...new Set([...begun.notes, ...refined.notes, ...refinerNotes])],
    warnings: [...begun.warnings, ...refined.warnings],
  };
}
