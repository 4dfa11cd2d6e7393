import { ShapeError } from '@pleinair/tensor';
import type { Preview } from '../denoise/preview.js';
import { blendByMask, blurMask, cropMask, maskedRegion, maskOf, resizeMask, type Mask } from '../image/mask.js';
import { resize } from '../image/resize.js';
import { checkImage, crop, pasteAt, type Region, type RgbaImage } from '../image/rgba-image.js';
import { imageValues, latentMask, maskedValues } from '../image/to-values.js';
import { vaeFactor } from '../vae/config.js';
import type { LatentModel } from './latent-model.js';
import type { ImageRequest } from './request.js';

/** What a run does with a picture, or with latents, that are there already. */
export interface ImageJob {
  /** The picture as the VAE reads it, `[8h, 8w, 3]`; absent where nothing of it is encoded. */
  readonly pixels?: Float32Array<ArrayBuffer>;
  /** The same without what is to be made anew, for UNets that are shown it. */
  readonly maskedPixels?: Float32Array<ArrayBuffer>;
  /** Latents instead of a picture, f32 `[c, h, w]` each, scaled. */
  readonly latents?: readonly Float32Array[];
  /** `[h, w]`: 1 where the picture is made anew. */
  readonly latentMask?: Float32Array<ArrayBuffer>;
  /**
   * What the first evaluation sees: the picture noised to its level; only noise, where nothing is to be left of it; or latents
   * as they are, which are at that level already.
   */
  readonly begins: 'noised' | 'noise' | 'as-it-is';
  /** Draws latents of what the VAE says, or takes their mean. */
  readonly posterior: 'sample' | 'mode';
  /** What a decoded picture becomes: put back into the original where that was asked for. */
  finish(made: Preview): Preview;
}

/** How much of the schedule runs over a picture. Nothing where there is none. */
export function strengthOf(model: LatentModel, request: ImageRequest): number | undefined {
  const { image, latents, mask, denoisingStart } = request;
  if ((!image && !latents) || denoisingStart !== undefined) return undefined;
  const { strength = mask ? 1 : model.needsImage ? 0.3 : 0.8 } = request;
  if (strength > 0 && strength <= 1) return strength;
  throw new ShapeError(
    'shape/option',
    `generate: expected strength to be above 0 and at most 1, got ${String(strength)}. At 1 nothing is kept.`,
  );
}

/**
 * The size pictures are made at: as asked, else that of the picture to begin with, rounded to what the VAE takes, else the
 * model's own. Where only the masked part is made anew it is the model's own, too.
 */
export function pictureSize(
  { config }: LatentModel,
  request: ImageRequest & { readonly width?: number; readonly height?: number },
): { width: number; height: number } {
  const { image, paddingMaskCrop, width, height } = request;
  const { defaults, vae } = config;
  if (!image || paddingMaskCrop !== undefined)
    return { width: width ?? defaults.width, height: height ?? defaults.height };
  const factor = vaeFactor(vae);
  const fit = (size: number): number => Math.max(factor, Math.floor(size / factor) * factor);
  const proportions = image.width / image.height;
  return {
    width: width ?? (height === undefined ? fit(image.width) : fit(height * proportions)),
    height: height ?? (width === undefined ? fit(image.height) : fit(width / proportions)),
  };
}

/**
 * Gets a request's picture and mask ready for a size: resized, blurred, cut out. Nothing where there is no picture.
 *
 * @throws ShapeError `shape/image`, `shape/mask`, `shape/option` for what does not go together.
 */
export function imageJob(
  model: LatentModel,
  request: ImageRequest,
  size: { readonly width: number; readonly height: number },
  count: number,
): ImageJob | undefined {
  const {
    image,
    mask: maskImage,
    latents,
    denoisingStart,
    maskBlur = 0,
    paddingMaskCrop,
    posterior = 'sample',
  } = request;
  const extra = model.config.unet.inChannels - model.config.unet.outChannels;
  checkTogether(model, request, extra);
  if (!image && !latents) return undefined;
  const strength = strengthOf(model, request);
  const begins = denoisingStart !== undefined ? 'as-it-is' : maskImage && strength === 1 ? 'noise' : 'noised';
  if (latents) {
    const values =
      model.config.vae.latentChannels *
      (size.width / vaeFactor(model.config.vae)) *
      (size.height / vaeFactor(model.config.vae));
    if (latents.length !== count || latents.some(({ length }) => length !== values)) {
      throw new ShapeError(
        'shape/latents',
        `generate: expected latents of ${count} pictures of ${values} numbers, got ` +
          `${latents.map(({ length }) => length).join(', ') || 'none'}. Ask for the size and count they were made with.`,
      );
    }
    return { latents, begins, posterior, finish: (made) => made };
  }
  const { width, height } = size;
  const original = image!;
  checkImage('image', original);
  if (!maskImage) {
    return { pixels: imageValues(resize(original, width, height)), begins, posterior, finish: (made) => made };
  }
  checkImage('mask', maskImage);
  expect('maskBlur', 'a number of at least 0', maskBlur, maskBlur >= 0 && Number.isFinite(maskBlur));
  const soft = resizeMask(blurMask(maskOf(maskImage), maskBlur), original.width, original.height);
  let region: Region | undefined;
  if (paddingMaskCrop !== undefined) {
    const whole = Number.isInteger(paddingMaskCrop) && paddingMaskCrop >= 0;
    expect('paddingMaskCrop', 'a whole number of at least 0', paddingMaskCrop, whole);
    region = maskedRegion(soft, paddingMaskCrop, width, height);
  }
  const seen = resize(region ? crop(original, region) : original, width, height);
  const mask = resizeMask(region ? cropMask(soft, region) : soft, width, height);
  const pixels = imageValues(seen);
  const shown = extra > 0;
  return {
    // A UNet that is shown the rest needs the whole only to begin from it.
    pixels: !shown || begins === 'noised' ? pixels : undefined,
    maskedPixels: shown ? maskedValues(pixels, mask) : undefined,
    latentMask: latentMask(mask, vaeFactor(model.config.vae)),
    begins,
    posterior,
    finish: finisher(request, { original, soft, region, seen, mask }),
  };
}

/** What becomes of a decoded picture when there is a mask. */
function finisher(
  { pasteBack, paddingMaskCrop }: ImageRequest,
  {
    original,
    soft,
    region,
    seen,
    mask,
  }: {
    readonly original: RgbaImage;
    readonly soft: Mask;
    readonly region: Region | undefined;
    readonly seen: RgbaImage;
    readonly mask: Mask;
  },
): ImageJob['finish'] {
  if (!(pasteBack ?? paddingMaskCrop !== undefined)) return (made) => made;
  if (!region) return (made) => asPreview(blendByMask(made, seen, mask));
  return (made) => {
    const piece = resize(made, region.right - region.left, region.bottom - region.top);
    return asPreview(blendByMask(pasteAt(original, piece, region.left, region.top), original, soft));
  };
}

function asPreview({ width, height, rgba }: RgbaImage): Preview {
  return { width, height, rgba: Uint8ClampedArray.from(rgba) };
}

/** Refuses what does not go together, before any work. */
function checkTogether(model: LatentModel, request: ImageRequest, extra: number): void {
  const { image, mask, latents, denoisingStart, paddingMaskCrop, maskBlur, pasteBack } = request;
  const wrong = (message: string): never => {
    throw new ShapeError('shape/option', `generate: ${message}`);
  };
  if (image && latents) wrong('expected a picture or latents to begin with, got both. Leave one out.');
  if (mask && !image) wrong('expected an image for the mask, got none. Give the picture that is to be changed.');
  if (!mask && (paddingMaskCrop ?? maskBlur ?? pasteBack) !== undefined) {
    wrong(
      'expected a mask beside maskBlur, paddingMaskCrop and pasteBack, got none. Say where to make the picture anew.',
    );
  }
  if (paddingMaskCrop !== undefined && pasteBack === false) {
    wrong('expected pasteBack with paddingMaskCrop, got false. What is worked on is put back where it was cut out.');
  }
  if (request.strength !== undefined && !image && !latents) {
    wrong('expected an image for strength, got none. Give the picture to begin with.');
  }
  if (denoisingStart !== undefined && !latents) {
    wrong('expected latents for denoisingStart, got none. Give those that a run with denoisingEnd has left.');
  }
  if (denoisingStart !== undefined && request.strength !== undefined) {
    wrong('expected strength or denoisingStart, got both. Each says where in the schedule to begin.');
  }
  if (model.needsImage && !image && !latents) {
    wrong('expected an image or latents, got none. This model refines pictures; begin with another one.');
  }
  if (extra > 0 && extra !== model.config.vae.latentChannels + 1) {
    wrong(
      `expected a UNet of 4 or 9 input channels, got ${model.config.unet.inChannels}. This version does not run such a model.`,
    );
  }
  if (extra > 0 && !mask)
    wrong('expected an image and a mask, got none. This model inpaints; use another one to make pictures of text.');
}

function expect(name: string, expected: string, got: unknown, holds: boolean): void {
  if (holds) return;
  throw new ShapeError('shape/option', `generate: expected ${name} to be ${expected}, got ${String(got)}. Correct it.`);
}
