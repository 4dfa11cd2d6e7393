import { palettizedFiles } from '@pleinair/demo-model/files';
import { palettizeModel, readCalibrationBlob, webWorkerSolver, type PartRule } from '@pleinair/palettize';
import { requestDevice, type Device } from '@pleinair/tensor';
import { memorySink } from '@pleinair/weights';
import { httpFilesSource, load, type ModelSource } from 'pleinair';
import type { BonnetNews, ComparedPicture, ComparisonOrder, WeightsChoice } from './bonnet-protocol.js';
import { openSpot } from './open-spot.js';

/** Palettized UNets up to this many bytes are kept in memory while they are tried. */
const mostBytes = 2 ** 31;

/**
 * Paints one prompt and seed with each of the weights, on one device, one after another.
 *
 * @throws `PleinairError`: what palettizing, loading and painting throw.
 */
export async function compareWeights(
  order: ComparisonOrder,
  tell: (news: BonnetNews) => unknown,
  signal: AbortSignal,
): Promise<ComparedPicture[]> {
  const source = await openSpot(order.model, signal);
  const device = await requestDevice();
  try {
    const pictures: ComparedPicture[] = [];
    for (const choice of order.weights) {
      const { layers, averageBits } = await layersOf(choice, source, tell, signal);
      const picture = await paint(order, [...layers, source], device, tell, signal);
      pictures.push({ label: choice.label, ...(averageBits !== undefined && { averageBits }), ...picture });
    }
    return pictures;
  } finally {
    device.destroy();
  }
}

/** What goes before the model itself. */
async function layersOf(
  choice: WeightsChoice,
  source: ModelSource,
  tell: (news: BonnetNews) => unknown,
  signal: AbortSignal,
): Promise<{ layers: readonly ModelSource[]; averageBits?: number }> {
  switch (choice.kind) {
    case 'original':
      return { layers: [] };
    case 'shipped':
      return { layers: [httpFilesSource(palettizedFiles)] };
    case 'bits':
      return palettized(choice.label, { bits: choice.bits }, source, tell, signal);
    case 'recipe': {
      const { recipe, group, label, calibration: given } = choice;
      const calibration = given && (() => readCalibrationBlob(given.blob, given.name, given.reference));
      return palettized(label, { recipe, group, name: label, calibration }, source, tell, signal);
    }
  }
}

async function palettized(
  label: string,
  rule: PartRule,
  source: ModelSource,
  tell: (news: BonnetNews) => unknown,
  signal: AbortSignal,
): Promise<{ layers: readonly ModelSource[]; averageBits?: number }> {
  const sink = memorySink({ name: label, mostBytes, keeps: (path) => path.startsWith('unet/') });
  const solver = webWorkerSolver();
  try {
    const applied = await palettizeModel({
      source,
      sink,
      parts: { unet: rule },
      minWeights: await leastWeights(source),
      solver,
      signal,
      onProgress: ({ done, total }) => tell({ part: label, phase: 'palettizing', loaded: done, total }),
    });
    return { layers: [sink.source()], averageBits: applied['unet']?.averageBits };
  } finally {
    await solver.close();
  }
}

/** How large a weight is at least to be palettized: a small model says so itself. */
async function leastWeights(source: ModelSource): Promise<number | undefined> {
  if (!(await source.exists('pleinair.json'))) return undefined;
  const { palettize } = (await source.readJson('pleinair.json')) as { palettize?: { min_weights?: unknown } };
  return typeof palettize?.min_weights === 'number' ? palettize.min_weights : undefined;
}

async function paint(
  { prompt, seed, steps, guidance, width, height }: ComparisonOrder,
  places: readonly ModelSource[],
  device: Device,
  tell: (news: BonnetNews) => unknown,
  signal: AbortSignal,
): Promise<Pick<ComparedPicture, 'width' | 'height' | 'rgba' | 'unetBytes'>> {
  const painter = await load(places, { device, memory: 'low', tune: 'off', signal });
  try {
    const { images } = await painter.generate({
      prompt,
      seed,
      steps,
      guidance,
      width,
      height,
      signal,
      onProgress: (news) => tell(news),
      onStep: ({ step, steps: total }) => tell({ part: 'unet', phase: 'painting', loaded: step, total }),
    });
    const { rgba } = images[0]!;
    const low = painter.memoryMap({ width, height, steps, guidance }).modes[0]!;
    const unetBytes = low.parts.find(({ kind }) => kind === 'denoiser')!.weightsBytes;
    return { width, height, rgba, unetBytes };
  } finally {
    painter.dispose();
  }
}
