import { isPleinairError } from 'pleinair';
import { failureOf } from './failure.js';
import { madePicture, requestOf } from './painting.js';
import type { PainterHolder } from './painter-holder.js';
import type { PictureOrder, RunEnd, RunNews } from './protocol.js';

/**
 * Paints what was ordered and tells how it goes.
 *
 * @returns How it ended; never rejects.
 */
export async function runOrder(
  order: PictureOrder,
  painters: PainterHolder,
  tell: (news: RunNews) => void,
  signal: AbortSignal,
): Promise<RunEnd> {
  const started = performance.now();
  try {
    tell({ kind: 'loading', part: 'model', phase: 'opening', loaded: 0, total: 0 });
    const painter = await painters.get(order.model, order.memory, signal);
    const result = await painter.generate({
      ...requestOf(order),
      signal,
      onProgress: ({ part, phase, loaded, total }) => tell({ kind: 'loading', part, phase, loaded, total }),
      onStep: ({ picture, step, steps, stepsPerSecond, preview }) =>
        tell({ kind: 'step', picture, step, steps, stepsPerSecond, preview }),
      onImage: (picture, origin) => tell({ kind: 'picture', made: madePicture(picture, origin) }),
    });
    return {
      kind: 'done',
      adapter: painter.adapter,
      seconds: (performance.now() - started) / 1000,
      stepsPerSecond: result.stepsPerSecond,
      peakBytes: result.memory.peakBytes,
      memory: result.memory.mode,
      notes: result.notes,
      recovered: 0,
    };
  } catch (error) {
    if (isPleinairError(error) && error.code === 'cancelled') return { kind: 'cancelled' };
    const failure = failureOf(error);
    if (failure.code.startsWith('device/')) painters.release();
    return failure;
  }
}
