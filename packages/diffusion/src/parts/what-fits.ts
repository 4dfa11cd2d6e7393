import { DeviceError, isPleinairError } from '@pleinair/tensor';
import type { PipelineShape } from './pipeline-shape.js';

/** A picture too large is tried again in steps of so much of its sides, */
const steps = 16;

/** each rounded down to a multiple of so many pixels, which every model's levels halve evenly. */
const unit = 64;

/**
 * Makes a plan for a shape. Where the adapter's limits forbid it, the error also says the largest picture of the same
 * proportions for which the plan can be made, if there is one.
 *
 * @param plan - Plans a pipeline, or parts of it; called again for smaller pictures after a failure only.
 * @throws What `plan` throws; of `device/limit` with what fits in its message.
 */
export function planOrSayWhatFits<T>(shape: PipelineShape, plan: (shape: PipelineShape) => T): T {
  try {
    return plan(shape);
  } catch (error) {
    if (!isLimit(error)) throw error;
    const fitting = largestThatFits(shape, plan);
    if (!fitting) throw error;
    const { width, height } = fitting;
    throw new DeviceError(
      'device/limit',
      `${error.message} The largest picture of these proportions that fits is about ${width}×${height}.`,
      { cause: error },
    );
  }
}

/** From the top, since plans that fail do so early: the first that can be made. */
function largestThatFits(
  shape: PipelineShape,
  plan: (shape: PipelineShape) => unknown,
): { width: number; height: number } | undefined {
  for (let step = steps - 1; step > 0; step--) {
    const [width, height] = [shape.width, shape.height].map((side) => Math.floor((side * step) / steps / unit) * unit);
    if (!width || !height) return undefined;
    try {
      plan({ ...shape, width, height });
      return { width, height };
    } catch (error) {
      if (!isLimit(error)) throw error;
    }
  }
  return undefined;
}

function isLimit(error: unknown): error is Error {
  return isPleinairError(error) && error.code === 'device/limit';
}
