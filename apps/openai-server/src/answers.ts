import type { ImageRequest } from './image-request.js';
import type { Painted } from './paint.js';

/** One picture of an answer (`Image`). */
export interface ImageAnswer {
  readonly b64_json?: string;
  readonly url?: string;
  readonly revised_prompt?: string;
}

/**
 * One picture of an answer.
 *
 * @param publish - Makes a picture available by address.
 */
export function imageAnswer(painted: Painted, asked: ImageRequest, publish: (painted: Painted) => string): ImageAnswer {
  return {
    // Prompts are painted as they are; clients of this model show what became of theirs.
    ...(asked.model === 'dall-e-3' && { revised_prompt: asked.prompt }),
    ...(asked.handover !== 'url' && { b64_json: painted.bytes.toString('base64') }),
    ...(asked.handover !== 'b64_json' && { url: publish(painted) }),
  };
}

/** The answer to a request that is not streamed (`ImagesResponse`). */
export function imagesAnswer(asked: ImageRequest, painted: readonly Painted[], data: readonly ImageAnswer[]) {
  const { width, height } = painted[0] ?? { width: 0, height: 0 };
  return { created: seconds(), ...howMade(asked), size: `${width}x${height}`, data, usage: noUsage() };
}

/** A picture on the way, in a stream (`ImageGenPartialImageEvent`, `ImageEditPartialImageEvent`). */
export function partialEvent(asked: ImageRequest, painted: Painted, index: number) {
  return { type: `${eventKind(asked)}.partial_image`, partial_image_index: index, ...eventBody(asked, painted) };
}

/** A finished picture, in a stream (`ImageGenCompletedEvent`, `ImageEditCompletedEvent`). */
export function completedEvent(asked: ImageRequest, painted: Painted) {
  return { type: `${eventKind(asked)}.completed`, usage: noUsage(), ...eventBody(asked, painted) };
}

function eventKind({ source }: ImageRequest): string {
  return source ? 'image_edit' : 'image_generation';
}

function eventBody(asked: ImageRequest, { bytes, width, height }: Painted) {
  return {
    b64_json: bytes.toString('base64'),
    created_at: seconds(),
    ...howMade(asked),
    size: `${width}x${height}`,
  };
}

function howMade({ encoding, quality }: ImageRequest) {
  return { background: 'opaque', output_format: encoding.format, quality };
}

function seconds(): number {
  return Math.floor(Date.now() / 1000);
}

/** Nothing is metered here; clients that add up what they used get what they used. */
function noUsage() {
  const none = { image_tokens: 0, text_tokens: 0 };
  return {
    input_tokens: 0,
    output_tokens: 0,
    total_tokens: 0,
    input_tokens_details: none,
    output_tokens_details: none,
  };
}
