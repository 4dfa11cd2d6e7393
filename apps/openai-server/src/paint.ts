import { encodePng, isPleinairError, pictureSettings, type PngPixels } from 'pleinair';
import type { ImageRequest } from './image-request.js';
import type { ModelShelf } from './model-shelf.js';

/** A picture as it is sent. */
export interface Painted {
  readonly png: Buffer;
  readonly width: number;
  readonly height: number;
}

/**
 * Paints what was asked for. PNGs carry their settings, so that a picture can be made again.
 *
 * @param onPartial - Called with pictures on the way, as many as the request's stream asks for at most.
 */
export async function paint(
  shelf: ModelShelf,
  name: string,
  asked: ImageRequest,
  signal: AbortSignal,
  onPartial?: (painted: Painted, index: number) => void,
): Promise<readonly Painted[]> {
  try {
    const painter = await shelf.take(name, signal);
    const steps = asked.own.steps ?? Math.max(1, Math.round(painter.config.defaults.steps * asked.effort));
    const partials = asked.stream?.partialImages ?? 0;
    const painted: Painted[] = [];
    let sent = 0;
    await painter.generate({
      ...asked.own,
      ...asked.size,
      prompt: asked.prompt,
      steps,
      count: asked.n,
      signal,
      ...(partials > 0 && { preview: 'full', previewEvery: Math.max(1, Math.floor(steps / (partials + 1))) }),
      // The last step's preview would be the picture itself.
      onStep: ({ step, steps: of, preview }) => {
        if (!preview || step >= of || sent >= partials) return;
        onPartial?.(pngOf(preview), sent++);
      },
      onImage: (picture, made) => {
        painted.push(pngOf(picture, pictureSettings(made, picture)));
      },
    });
    return painted;
  } catch (error) {
    if (isPleinairError(error) && error.code === 'device/lost') shelf.drop();
    throw error;
  }
}

function pngOf(pixels: PngPixels, text?: Readonly<Record<string, string>>): Painted {
  const { width, height } = pixels;
  return { png: Buffer.from(encodePng(pixels, text)), width, height };
}
