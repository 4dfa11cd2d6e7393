import { encodePng, pictureSettings, type GenerateRequest, type Picture, type PictureOrigin } from 'pleinair';
import type { MadePicture, PictureOrder, Pixels } from './protocol.js';

/** What the engine is asked, from what the page asks. */
export function requestOf(order: PictureOrder): GenerateRequest {
  const { prompt, negativePrompt, width, height, steps, guidance, scheduler, seed, count, preview, start } = order;
  return {
    prompt,
    negativePrompt,
    width,
    height,
    steps,
    guidance,
    scheduler,
    seed,
    count,
    preview,
    ...(start && {
      image: start.image,
      strength: start.strength,
      ...(start.mask && {
        mask: start.mask,
        maskBlur: start.maskBlur,
        pasteBack: start.pasteBack,
        paddingMaskCrop: start.maskPadding,
      }),
    }),
  };
}

/** A picture as a PNG with its settings inside. */
export function madePicture(picture: Picture, origin: PictureOrigin): MadePicture {
  const text = pictureSettings(origin, picture);
  const { width, height } = picture;
  const png = new Blob([encodePng(picture, text)], { type: 'image/png' });
  return { png, settings: JSON.parse(text['pleinair']!) as MadePicture['settings'], width, height };
}

/** Pixels that a message can carry off. */
export function pixelsOf({ width, height, rgba }: Pixels): Pixels {
  return { width, height, rgba };
}
