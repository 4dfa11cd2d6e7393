/** Width and height in pixels. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

/** Beyond this factor of a model's own number of pixels, either way, its pictures fall apart. */
const stretch = 2;

/** What every model's sizes are multiples of. */
const multiple = 8;

/**
 * The size to paint at for a size that was asked for. Clients of the API ask for its sizes (`1024x1024`, `1536x1024`, …)
 * whatever the model. A model trained at half of that or at twice as much paints it doubled or in shreds; it is given
 * about its own number of pixels in the same proportions instead, and the picture is resampled to what was asked for.
 *
 * @param asked - Absent: the model's own.
 */
export function paintedSize(asked: Size | undefined, own: Size): Size {
  if (!asked) return { width: own.width, height: own.height };
  const ratio = (asked.width * asked.height) / (own.width * own.height);
  if (ratio <= stretch && ratio >= 1 / stretch) return asked;
  const scale = 1 / Math.sqrt(ratio);
  const fit = (side: number): number => Math.max(multiple, Math.round((side * scale) / multiple) * multiple);
  return { width: fit(asked.width), height: fit(asked.height) };
}
