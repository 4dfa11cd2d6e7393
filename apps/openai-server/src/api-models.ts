/**
 * Image models of the API, by the names that clients know (openai 6.49, `ImageModel`). Programs name one of these, often
 * without a way to name another, so the server answers to them with its first model.
 */
export const apiModels: readonly string[] = Object.freeze([
  'gpt-image-2',
  'gpt-image-1.5',
  'gpt-image-1',
  'gpt-image-1-mini',
  'chatgpt-image-latest',
  'dall-e-3',
  'dall-e-2',
]);

/** How a picture is handed over: inside the answer, by address, or both. */
export type Handover = 'b64_json' | 'url' | 'both';

/**
 * How pictures are handed over where the client does not say, by the name it asks for: DALL·E's by address, those of its
 * successors inside the answer. The API takes a missing name for `dall-e-2`, but for a newer one where the request has
 * something that only these know; whichever a client was written for, it finds its field.
 */
export function usualHandover(model: string | undefined): Handover {
  if (model === undefined) return 'both';
  return model.startsWith('dall-e-') ? 'url' : 'b64_json';
}

/** Whether a name is of the models that never give an address. */
export function isGptImage(model: string): boolean {
  return model.startsWith('gpt-image-') || model.startsWith('chatgpt-image-');
}
