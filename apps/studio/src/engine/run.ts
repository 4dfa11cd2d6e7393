import { isPleinairError, type GenerateResult, type RunState } from 'pleinair';
import { failureOf } from './failure.js';
import { madePicture, requestOf } from './painting.js';
import type { PainterHolder } from './painter-holder.js';
import type { PictureOrder, RunEnd, RunNews } from './protocol.js';

/** Devices lost in a row, with no step finished between, after which it is given up. */
const mostLosses = 3;

/**
 * Paints what was ordered and tells how it goes. A device that is lost in mid-run is replaced, and the run goes on from the
 * last finished step, with the same result.
 *
 * @returns How it ended; never rejects.
 */
export async function runOrder(
  order: PictureOrder,
  painters: Pick<PainterHolder, 'get' | 'release'>,
  tell: (news: RunNews) => void,
  signal: AbortSignal,
): Promise<RunEnd> {
  const started = performance.now();
  let resume: RunState | undefined;
  let recovered = 0;
  let lossesInARow = 0;
  const told = new Set<number>();

  const attempt = async (): Promise<RunEnd> => {
    tell({ kind: 'loading', part: 'model', phase: 'opening', loaded: 0, total: 0 });
    const painter = await painters.get(order.model, order.memory, signal);
    const result = await painter.generate({
      ...requestOf(order),
      signal,
      keepState: true,
      resume,
      onProgress: ({ part, phase, loaded, total }) => tell({ kind: 'loading', part, phase, loaded, total }),
      onStep: ({ picture, step, steps, stepsPerSecond, preview, state }) => {
        resume = state;
        lossesInARow = 0;
        tell({ kind: 'step', picture, step, steps, stepsPerSecond, preview });
      },
      onImage: (picture, origin) => {
        // A run that was resumed shows its pictures again.
        if (told.has(picture.seed)) return;
        told.add(picture.seed);
        tell({ kind: 'picture', made: madePicture(picture, origin) });
      },
    });
    return { ...figuresOf(result), kind: 'done', adapter: painter.adapter, seconds: secondsSince(started), recovered };
  };

  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (isPleinairError(error) && error.code === 'cancelled') return { kind: 'cancelled' };
      const failure = failureOf(error);
      if (failure.code.startsWith('device/')) painters.release();
      if (failure.code !== 'device/lost' || ++lossesInARow >= mostLosses) return failure;
      recovered++;
      tell({ kind: 'device-lost', picture: resume?.picture ?? 0, step: resume?.evaluations ?? 0 });
    }
  }
}

function secondsSince(started: number): number {
  return (performance.now() - started) / 1000;
}

function figuresOf({ stepsPerSecond, memory, notes }: GenerateResult): {
  readonly stepsPerSecond: number;
  readonly peakBytes: number;
  readonly memory: GenerateResult['memory']['mode'];
  readonly notes: readonly string[];
} {
  return { stepsPerSecond, peakBytes: memory.peakBytes, memory: memory.mode, notes };
}
