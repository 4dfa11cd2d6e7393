import { readFile } from 'node:fs/promises';
import { InvalidArgumentError, type Command } from 'commander';
import { PleinairError, type GenerateRequest } from 'pleinair';
import { numberFrom, wholeNumber } from './options.js';

/** What `generate` is told of a picture to begin with, of further texts and of a second model. */
export interface PictureFlags {
  readonly image?: string;
  readonly mask?: string;
  readonly strength?: number;
  readonly maskBlur?: number;
  readonly paddingMaskCrop?: number;
  readonly pasteBack?: boolean;
  readonly prompt2?: string;
  readonly negative2?: string;
  readonly clipSkip?: number;
  readonly guidanceRescale?: number;
  readonly refiner?: string;
  readonly refinerStart?: number;
  readonly aestheticScore?: number;
  readonly negativeAestheticScore?: number;
  readonly originalSize?: readonly [number, number];
  readonly cropTopLeft?: readonly [number, number];
  readonly targetSize?: readonly [number, number];
  readonly negativeOriginalSize?: readonly [number, number];
  readonly negativeCropTopLeft?: readonly [number, number];
  readonly negativeTargetSize?: readonly [number, number];
}

/** Adds these flags to a command. */
export function addPictureOptions(command: Command): Command {
  return command
    .option('--image <file>', 'a PNG to begin with instead of noise')
    .option(
      '--strength <share>',
      'how much of the schedule runs over the image, up to 1 (default: 0.8, with a mask 1, of a refiner 0.3)',
      share,
    )
    .option('--mask <file>', 'a PNG: white where the image is made anew, black where it is kept')
    .option('--mask-blur <pixels>', "softens the mask's edges by so much", numberFrom(0))
    .option(
      '--padding-mask-crop <pixels>',
      'work on the masked part at full size, with at least so much around it, and put it back',
      wholeNumber(0),
    )
    .option('--paste-back', "put the image's own pixels back outside the mask")
    .option('--prompt-2 <text>', 'what the second text encoder reads (default: the prompt)')
    .option('--negative-2 <text>', 'what it should not show, for the second text encoder')
    .option('--clip-skip <layers>', 'last layers of the text encoders to leave out for the prompt', wholeNumber(0))
    .option('--guidance-rescale <share>', "how much of guidance's spread is taken back, up to 1", share)
    .option('--refiner <place>', 'a second model that takes over late in the schedule')
    .option('--refiner-start <share>', 'share of the schedule at which it takes over (default: 0.8)', share)
    .option(
      '--aesthetic-score <number>',
      'how good the picture is to look, told to a refiner (default: 6)',
      numberFrom(0),
    )
    .option('--negative-aesthetic-score <number>', 'the same of what is to be avoided (default: 2.5)', numberFrom(0))
    .option('--original-size <WxH>', 'the size SDXL is told the picture had (default: its own)', size('x'))
    .option('--crop-top-left <X,Y>', 'the corner it is told the picture was cropped at (default: 0,0)', size(','))
    .option('--target-size <WxH>', 'the size it is told the picture is to have (default: its own)', size('x'))
    .option('--negative-original-size <WxH>', 'the same three for what is to be avoided', size('x'))
    .option('--negative-crop-top-left <X,Y>', '', size(','))
    .option('--negative-target-size <WxH>', '', size('x'));
}

/**
 * Refuses flags that do not go together.
 *
 * @throws PleinairError `usage/picture`.
 */
export function checkPictureFlags(flags: PictureFlags): void {
  const needs = (flag: string, given: unknown, other: string, there: unknown, why: string): void => {
    if (given === undefined || there !== undefined) return;
    throw new PleinairError('usage/picture', `generate: expected ${other} beside ${flag}, got none. ${why}`);
  };
  const { image, mask, refiner } = flags;
  needs('--strength', flags.strength, '--image FILE', image, 'Name the picture to begin with.');
  needs('--mask', mask, '--image FILE', image, 'Name the picture that is to be changed.');
  for (const [flag, given] of [
    ['--mask-blur', flags.maskBlur],
    ['--padding-mask-crop', flags.paddingMaskCrop],
    ['--paste-back', flags.pasteBack],
  ] as const) {
    needs(flag, given, '--mask FILE', mask, 'Say where the picture is made anew.');
  }
  needs('--refiner-start', flags.refinerStart, '--refiner PLACE', refiner, 'Name the model that takes over.');
}

/**
 * The part of a request that these flags make; reads the pictures.
 *
 * @throws PleinairError `usage/picture` for files that cannot be read.
 */
export async function pictureRequest(flags: PictureFlags): Promise<Omit<GenerateRequest, 'prompt'>> {
  const [image, mask] = await Promise.all([
    flags.image === undefined ? undefined : readPicture('--image', flags.image),
    flags.mask === undefined ? undefined : readPicture('--mask', flags.mask),
  ]);
  const { strength, maskBlur, paddingMaskCrop, pasteBack, prompt2, clipSkip, guidanceRescale, refinerStart } = flags;
  return {
    image,
    mask,
    strength,
    maskBlur,
    paddingMaskCrop,
    pasteBack,
    prompt2,
    negativePrompt2: flags.negative2,
    clipSkip,
    guidanceRescale,
    refinerStart,
    conditioning: {
      originalSize: turned(flags.originalSize),
      cropTopLeft: turned(flags.cropTopLeft),
      targetSize: turned(flags.targetSize),
      negativeOriginalSize: turned(flags.negativeOriginalSize),
      negativeCropTopLeft: turned(flags.negativeCropTopLeft),
      negativeTargetSize: turned(flags.negativeTargetSize),
      aestheticScore: flags.aestheticScore,
      negativeAestheticScore: flags.negativeAestheticScore,
    },
  };
}

async function readPicture(flag: string, path: string): Promise<Uint8Array> {
  try {
    return new Uint8Array(await readFile(path));
  } catch (cause) {
    throw new PleinairError(
      'usage/picture',
      `generate: expected ${flag} to name a PNG that can be read, got "${path}" (${cause instanceof Error ? cause.message : String(cause)}). Check the path.`,
      { cause },
    );
  }
}

/** Flags say width first, as people do; SDXL is told height first. */
function turned(pair: readonly [number, number] | undefined): readonly [number, number] | undefined {
  return pair && [pair[1], pair[0]];
}

/** A share from above 0 to 1, for commander. */
function share(text: string): number {
  const value = numberFrom(0)(text);
  if (value > 1) throw new InvalidArgumentError(`expected a number from 0 to 1, got "${text}".`);
  return value;
}

/** Two whole numbers with a separator between, for commander. */
function size(separator: 'x' | ','): (text: string) => readonly [number, number] {
  return (text) => {
    const match = /^(\d+)([x,])(\d+)$/i.exec(text);
    if (!match || match[2]!.toLowerCase() !== separator) {
      throw new InvalidArgumentError(
        `expected two whole numbers like ${separator === 'x' ? '1024x768' : '0,64'}, got "${text}".`,
      );
    }
    return [Number(match[1]), Number(match[3])];
  };
}
