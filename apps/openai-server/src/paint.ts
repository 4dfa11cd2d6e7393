import { isPleinairError, pictureSettings, type PngPixels, type RgbaImage } from 'pleinair';
import { encodePicture, resized } from './encode-picture.js';
import type { ImageRequest } from './image-request.js';
import type { ModelShelf } from './model-shelf.js';
import { paintedSize, type Size } from './painted-size.js';

/** A picture as it is sent. */
export interface Painted {
  readonly bytes: Buffer;
  readonly width: number;
  readonly height: number;
}

/** What happens while it is painted; what it gives is waited for. */
export interface PaintReport {
  /** A picture on the way, as many to each picture as the request's stream asks for at most; `index` counts them from 0. */
  readonly partial?: (painted: Painted, index: number) => unknown;
  /** A finished picture. */
  readonly picture: (painted: Painted) => unknown;
}

/**
 * Paints what was asked for. Files carry their settings, so that a picture can be made again.
 *
 * @param sizes - `exact` paints at the size that is asked for, whatever the model was trained at; see {@link paintedSize}.
 */
export async function paint(
  shelf: ModelShelf,
  name: string,
  asked: ImageRequest,
  sizes: 'fit' | 'exact',
  signal: AbortSignal,
  report: PaintReport,
): Promise<void> {
  try {
    const painter = await shelf.take(name, signal);
    const { defaults } = painter.config;
    const steps = asked.own.steps ?? Math.max(1, Math.round(defaults.steps * asked.effort));
    const { source } = asked;
    const size =
      sizes === 'exact' && asked.size ? asked.size : paintedSize(asked.size ?? inEights(source?.image), defaults);
    const partials = asked.stream?.partialImages ?? 0;
    const finished = async (pixels: PngPixels, text?: Readonly<Record<string, string>>): Promise<Painted> => {
      const { width, height } = asked.size ?? size;
      return { bytes: await encodePicture(await resized(pixels, width, height), asked.encoding, text), width, height };
    };
    let sent = { picture: 0, count: 0 };
    await painter.generate({
      ...asked.own,
      width: size.width,
      height: size.height,
      prompt: asked.prompt,
      steps,
      count: asked.n,
      signal,
      // Outside of the mask the picture is to stay as it is.
      ...source,
      ...(source?.mask && { pasteBack: true }),
      ...(partials > 0 && { preview: 'full', previewEvery: Math.max(1, Math.floor(steps / (partials + 1))) }),
      onStep: async ({ picture, step, steps: of, preview }) => {
        if (picture !== sent.picture) sent = { picture, count: 0 };
        // The last step's preview would be the picture itself.
        if (!preview || step >= of || sent.count >= partials) return;
        await report.partial?.(await finished(preview), sent.count++);
      },
      onImage: async (picture, made) => {
        await report.picture(await finished(picture, pictureSettings(made, picture)));
      },
    });
  } catch (error) {
    if (isPleinairError(error) && error.code === 'device/lost') shelf.drop();
    throw error;
  }
}

/** A picture's size as models take it. */
function inEights(image: RgbaImage | undefined): Size | undefined {
  if (!image) return undefined;
  const fit = (side: number): number => Math.max(8, Math.round(side / 8) * 8);
  return { width: fit(image.width), height: fit(image.height) };
}
