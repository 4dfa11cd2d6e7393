import type { RgbaImage } from 'pleinair';
import { ApiError, invalid } from './api-error.js';
import { isGptImage, usualHandover, type Handover } from './api-models.js';
import { pictureFormats, type Encoding } from './encode-picture.js';
import { Fields, told } from './fields.js';
import type { Size } from './painted-size.js';

/** What a client asked for, checked. */
export interface ImageRequest {
  readonly prompt: string;
  /** As the client calls it. Absent: the server's first. */
  readonly model: string | undefined;
  readonly n: number;
  /** Absent for `auto`, the model's own. */
  readonly size: Size | undefined;
  readonly encoding: Encoding;
  readonly handover: Handover;
  /** Times the model's own number of steps. */
  readonly effort: number;
  /** The API's word for that, in answers. */
  readonly quality: 'low' | 'medium' | 'high';
  /** Pictures on the way to each, where the answer is streamed. */
  readonly stream: { readonly partialImages: number } | undefined;
  /** A picture to begin with, in edits. */
  readonly source?: {
    readonly image: RgbaImage;
    /** White where to paint. */
    readonly mask?: RgbaImage;
    /** How much of the schedule runs; absent, as the pipeline has it. */
    readonly strength: number | undefined;
  };
  /** Beyond the API: how Pleinair's own parameters are given. */
  readonly own: {
    readonly seed?: number;
    readonly steps?: number;
    readonly guidance?: number;
    readonly scheduler?: string;
    readonly negativePrompt?: string;
  };
}

/** What the server is willing to do for one request. */
export interface Limits {
  /** @defaultValue 10, the API's own */
  readonly pictures: number;
  /** Pixels of a picture. */
  readonly pixels: number;
  readonly steps: number;
}

/** Steps in proportion to the model's own number, and the word for it in answers, by the API's words. */
const qualities: Readonly<Record<string, readonly [effort: number, answer: ImageRequest['quality']]>> = {
  low: [0.5, 'low'],
  medium: [1, 'medium'],
  standard: [1, 'medium'],
  auto: [1, 'medium'],
  high: [1.5, 'high'],
  hd: [1.5, 'high'],
  xhigh: [2, 'high'],
  max: [2, 'high'],
};

/** What a request to paint may hold: the API's parameters, and Pleinair's own. */
export const painting: ReadonlySet<string> = new Set(
  [
    ['prompt', 'model', 'n', 'size', 'quality', 'response_format', 'output_format', 'output_compression'],
    ['stream', 'partial_images', 'background'],
    // These say nothing that a model here could heed.
    ['style', 'moderation', 'user', 'safety_identifier'],
    ['seed', 'steps', 'guidance', 'scheduler', 'negative_prompt'],
  ].flat(),
);

/** The API's own bound. */
const longestPrompt = 32_000;

/**
 * Reads the body of `POST /v1/images/generations`. What the API has and this server cannot do is refused, and so is what
 * the API does not have; what says nothing about the picture (`user`, `moderation`, …) is passed over.
 *
 * @throws {@link ApiError} 400, with the field in `param`.
 */
export function readImageRequest(body: unknown, limits: Limits): ImageRequest {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw invalid('body', 'body: expected a JSON object, got something else. Send {"prompt": "…"}.');
  }
  const fields = new Fields(body as Record<string, unknown>);
  fields.expectOnly(painting);
  return readFields(fields, limits);
}

/**
 * The parameters of {@link painting}.
 *
 * @throws {@link ApiError} 400
 */
export function readFields(fields: Fields, limits: Limits): ImageRequest {
  const model = fields.text('model');
  fields.oneOf('background', ['opaque', 'auto'], ' This server paints opaque pictures.');
  const stream = readStream(fields);
  const [effort, quality] = readQuality(fields);
  return {
    prompt: readPrompt(fields),
    model,
    n: fields.whole('n', 1, limits.pictures) ?? 1,
    size: readSize(fields, limits),
    encoding: readEncoding(fields),
    handover: readHandover(fields, model, stream !== undefined),
    effort,
    quality,
    stream,
    own: {
      seed: fields.whole('seed', 0, Number.MAX_SAFE_INTEGER),
      steps: fields.whole('steps', 1, limits.steps),
      guidance: fields.number('guidance', 0, 100),
      scheduler: fields.text('scheduler'),
      negativePrompt: fields.text('negative_prompt'),
    },
  };
}

function readPrompt(fields: Fields): string {
  const prompt = fields.raw('prompt');
  if (typeof prompt === 'string' && prompt !== '' && prompt.length <= longestPrompt) return prompt;
  throw invalid(
    'prompt',
    `prompt: expected a text of 1 to ${longestPrompt} characters, got ${told(prompt)}. Say what to paint.`,
  );
}

function readSize(fields: Fields, { pixels }: Limits): Size | undefined {
  const size = fields.raw('size');
  if (size === undefined || size === 'auto') return undefined;
  const match = typeof size === 'string' ? /^(\d{1,5})x(\d{1,5})$/.exec(size) : null;
  const [width, height] = [Number(match?.[1]), Number(match?.[2])];
  if (!match || width % 8 !== 0 || height % 8 !== 0 || width === 0 || height === 0) {
    throw invalid('size', `size: expected auto or WIDTHxHEIGHT, both multiples of 8, got ${told(size)}.`);
  }
  if (width * height > pixels) {
    throw invalid('size', `size: expected at most ${pixels} pixels, got ${told(size)}. This server is set to that.`);
  }
  return { width, height };
}

function readEncoding(fields: Fields): Encoding {
  const format = fields.oneOf('output_format', pictureFormats) ?? 'png';
  const quality = fields.number('output_compression', 0, 100) ?? 100;
  if (format === 'png' && quality < 100) {
    throw invalid(
      'output_compression',
      `output_compression: expected 100 with PNG, which loses nothing, got ${quality}. Ask for output_format jpeg or webp.`,
    );
  }
  return { format, quality };
}

function readHandover(fields: Fields, model: string | undefined, stream: boolean): Handover {
  const asked = fields.oneOf('response_format', ['b64_json', 'url']);
  if (asked === 'url' && stream) {
    throw invalid('response_format', 'response_format: expected b64_json with stream, got url. Leave it out.');
  }
  if (asked === 'url' && model !== undefined && isGptImage(model)) {
    // The API knows no such parameter of these models, and clients written for them look for no address.
    throw new ApiError(
      400,
      `response_format: expected b64_json, got url. Pictures of ${model} come in the answer; ask for another model's name.`,
      { param: 'response_format', code: 'unknown_parameter' },
    );
  }
  return asked ?? usualHandover(model);
}

function readQuality(fields: Fields): readonly [number, ImageRequest['quality']] {
  const asked = fields.raw('quality') ?? 'auto';
  const read = typeof asked === 'string' && Object.hasOwn(qualities, asked) ? qualities[asked] : undefined;
  if (read) return read;
  throw invalid('quality', `quality: expected one of ${Object.keys(qualities).join(', ')}, got ${told(asked)}.`);
}

function readStream(fields: Fields): ImageRequest['stream'] {
  const stream = fields.flag('stream') ?? false;
  const partialImages = fields.whole('partial_images', 0, 3) ?? 0;
  if (!stream && partialImages > 0) {
    throw invalid(
      'partial_images',
      'partial_images: expected stream to be true, got false. Set stream, or leave it out.',
    );
  }
  return stream ? { partialImages } : undefined;
}
