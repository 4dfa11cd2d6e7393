import { invalid } from './api-error.js';

/** What a client asked for, checked. */
export interface ImageRequest {
  readonly prompt: string;
  /** Absent: the server's first model. */
  readonly model: string | undefined;
  readonly n: number;
  /** Pixels; absent for `auto`, the model's own. */
  readonly size: { readonly width: number; readonly height: number } | undefined;
  readonly as: 'b64_json' | 'url';
  /** Times the model's own number of steps. */
  readonly effort: number;
  /** Pictures on the way, where the answer is streamed. */
  readonly stream: { readonly partialImages: number } | undefined;
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

/** Steps in proportion to the model's own number, by the API's words for it. */
const efforts: Readonly<Record<string, number>> = {
  low: 0.5,
  medium: 1,
  standard: 1,
  auto: 1,
  high: 1.5,
  hd: 1.5,
  xhigh: 2,
  max: 2,
};

/** The API's own bound. */
const longestPrompt = 32_000;

/**
 * Reads the body of `POST /v1/images/generations`. What the API has and this server cannot do is refused; what says
 * nothing about the picture (`user`, `moderation`, …) is passed over.
 *
 * @throws {@link ApiError} 400, with the field in `param`.
 */
export function readImageRequest(body: unknown, limits: Limits): ImageRequest {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw invalid('body', 'body: expected a JSON object, got something else. Send {"prompt": "…"}.');
  }
  const fields = body as Record<string, unknown>;
  const prompt = fields['prompt'];
  if (typeof prompt !== 'string' || prompt === '' || prompt.length > longestPrompt) {
    throw invalid(
      'prompt',
      `prompt: expected a text of 1 to ${longestPrompt} characters, got ${told(prompt)}. Say what to paint.`,
    );
  }
  only(fields, 'background', ['opaque', 'auto']);
  only(fields, 'output_format', ['png']);
  const format = fields['response_format'] ?? 'b64_json';
  if (format !== 'b64_json' && format !== 'url') {
    throw invalid('response_format', `response_format: expected b64_json or url, got ${told(format)}.`);
  }
  const n = whole(fields, 'n', 1, limits.pictures) ?? 1;
  const stream = readStream(fields);
  if (stream && n > 1)
    throw invalid('n', `n: expected 1 with stream, got ${n}. Ask for one picture, or do not stream.`);
  return {
    prompt,
    model: text(fields, 'model'),
    n,
    size: readSize(fields['size'], limits),
    as: format,
    effort: readEffort(fields['quality']),
    stream,
    own: {
      seed: whole(fields, 'seed', 0, Number.MAX_SAFE_INTEGER),
      steps: whole(fields, 'steps', 1, limits.steps),
      guidance: number(fields, 'guidance', 0, 100),
      scheduler: text(fields, 'scheduler'),
      negativePrompt: text(fields, 'negative_prompt'),
    },
  };
}

function readSize(size: unknown, { pixels }: Limits): ImageRequest['size'] {
  if (size === undefined || size === null || size === 'auto') return undefined;
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

function readEffort(quality: unknown): number {
  const asked = quality ?? 'auto';
  const effort = typeof asked === 'string' && Object.hasOwn(efforts, asked) ? efforts[asked] : undefined;
  if (effort === undefined) {
    throw invalid('quality', `quality: expected one of ${Object.keys(efforts).join(', ')}, got ${told(quality)}.`);
  }
  return effort;
}

function readStream(fields: Record<string, unknown>): ImageRequest['stream'] {
  const { stream } = fields;
  if (stream !== undefined && stream !== null && typeof stream !== 'boolean') {
    throw invalid('stream', `stream: expected true or false, got ${told(stream)}.`);
  }
  const partialImages = whole(fields, 'partial_images', 0, 3) ?? 0;
  if (!stream && partialImages > 0) {
    throw invalid(
      'partial_images',
      'partial_images: expected stream to be true, got false. Set stream, or leave it out.',
    );
  }
  return stream ? { partialImages } : undefined;
}

function only(fields: Record<string, unknown>, name: string, allowed: readonly string[]): void {
  const value = fields[name] ?? allowed[0];
  if (!allowed.some((one) => one === value)) {
    throw invalid(
      name,
      `${name}: expected ${allowed.join(' or ')}, got ${told(value)}. This server paints opaque PNGs.`,
    );
  }
}

function whole(fields: Record<string, unknown>, name: string, least: number, most: number): number | undefined {
  const value = number(fields, name, least, most);
  if (value === undefined || Number.isInteger(value)) return value;
  throw invalid(name, `${name}: expected a whole number, got ${value}.`);
}

function number(fields: Record<string, unknown>, name: string, least: number, most: number): number | undefined {
  const value = fields[name] ?? undefined;
  if (value === undefined) return undefined;
  if (typeof value === 'number' && value >= least && value <= most) return value;
  throw invalid(name, `${name}: expected a number from ${least} to ${most}, got ${told(value)}.`);
}

function text(fields: Record<string, unknown>, name: string): string | undefined {
  const value = fields[name] ?? undefined;
  if (value === undefined || typeof value === 'string') return value;
  throw invalid(name, `${name}: expected a text, got ${told(value)}.`);
}

/** A value in a message, short. */
function told(value: unknown): string {
  const json = JSON.stringify(value) ?? 'nothing';
  return json.length > 60 ? `${json.slice(0, 57)}…` : json;
}
