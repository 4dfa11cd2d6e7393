import { invalid } from './api-error.js';
import { Fields } from './fields.js';
import { painting, readFields, type ImageRequest, type Limits } from './image-request.js';
import { isTransparent, maskOf, onWhite, readUpload } from './uploaded-picture.js';

const known: ReadonlySet<string> = new Set([...painting, 'image', 'image[]', 'mask', 'input_fidelity', 'strength']);

/** How much of the schedule runs where a client wants its picture kept closely (`input_fidelity`). */
const faithfulStrength = 0.5;

/**
 * Reads the form of `POST /v1/images/edits`: what `POST /v1/images/generations` takes, a picture, and perhaps a mask.
 *
 * @throws {@link ApiError} 400, with the field in `param`.
 */
export async function readEditRequest(body: unknown, contentType: string, limits: Limits): Promise<ImageRequest> {
  const form = await readForm(body, contentType);
  const texts: Record<string, string> = {};
  const files = new Map<string, File[]>();
  for (const [name, value] of form) {
    if (typeof value === 'string') texts[name] = value;
    else files.set(name, [...(files.get(name) ?? []), value]);
  }
  for (const name of ['image', 'image[]', 'mask']) {
    if (name in texts) throw invalid(name, `${name}: expected a file, got a text. Send the picture itself.`);
  }
  const fields = new Fields({ ...texts, ...Object.fromEntries(files) }, 'form');
  fields.expectOnly(known);
  const request = readFields(new Fields(texts, 'form'), limits);
  const fidelity = fields.oneOf('input_fidelity', ['high', 'low']);
  const strength = fields.number('strength', 0.01, 1) ?? (fidelity === 'high' ? faithfulStrength : undefined);

  // Several come under a name with brackets.
  const images = [...(files.get('image') ?? []), ...(files.get('image[]') ?? [])];
  const [image] = images;
  if (!image || images.length > 1) {
    throw invalid('image', `image: expected one picture, got ${images.length}. Models here work on one at a time.`);
  }
  const picture = await readUpload('image', await bytesOf(image));
  const maskFile = files.get('mask')?.[0];
  const cutOut = maskFile ? await readUpload('mask', await bytesOf(maskFile)) : undefined;
  if (cutOut && (cutOut.width !== picture.width || cutOut.height !== picture.height)) {
    throw invalid(
      'mask',
      `mask: expected the picture's size, ${picture.width}x${picture.height}, got ${cutOut.width}x${cutOut.height}.`,
    );
  }
  if (cutOut && !isTransparent(cutOut)) {
    throw invalid('mask', 'mask: expected transparency where to paint, got none. Send a PNG with an alpha channel.');
  }
  // The oldest model takes what is transparent in the picture itself for the mask.
  const mask = cutOut ?? (request.model === 'dall-e-2' && isTransparent(picture) ? picture : undefined);
  return { ...request, source: { image: onWhite(picture), ...(mask && { mask: maskOf(mask) }), strength } };
}

async function readForm(body: unknown, contentType: string): Promise<FormData> {
  try {
    if (!Buffer.isBuffer(body)) throw new TypeError('no form');
    return await new Response(new Uint8Array(body), { headers: { 'content-type': contentType } }).formData();
  } catch {
    throw invalid('body', 'body: expected a form (multipart/form-data), got something else. Send prompt and image.');
  }
}

async function bytesOf(file: File): Promise<Uint8Array> {
  return new Uint8Array(await file.arrayBuffer());
}
