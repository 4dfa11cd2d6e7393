import analysis from '../prompts-analysis.json' with { type: 'json' };
import calibration from '../prompts-calibration.json' with { type: 'json' };
import heldOut from '../prompts-held-out.json' with { type: 'json' };
import type { AskedAttributes } from './attributes.js';

export { ATTRIBUTE_VALUES, type AskedAttributes, type AttributeName, type Attributes } from './attributes.js';

/**
 * Address of the model folder (diffusers layout), ending with a slash; a `file:` URL in Node. Bundlers leave it as it is, as
 * it is a folder's: in a page that one made, use `modelFiles` of `@pleinair/demo-model/files`.
 */
export const modelUrl: URL = new URL(/* webpackIgnore: true */ /* @vite-ignore */ '../model/', import.meta.url);

/** The same as a path, for Node; elsewhere the address as text. */
export const modelPath: string = toPath(modelUrl);

/**
 * Address of the model's UNet and text encoders palettized, ending with a slash. All else is in {@link modelUrl}'s folder:
 * load both, `load([palettizedModelUrl, modelUrl])`.
 */
export const palettizedModelUrl: URL = new URL('../palettized/', import.meta.url);

/** A prompt kept out of training, with the attributes its picture must show. */
export interface HeldOutPrompt {
  readonly prompt: string;
  readonly attributes: AskedAttributes;
}

/** The 200 prompts on which the model is measured. */
export const heldOutPrompts: readonly HeldOutPrompt[] = heldOut as readonly HeldOutPrompt[];

/** Eight prompts that weights are analysed with; none of {@link heldOutPrompts}, which recipes are judged by. */
export const analysisPrompts: readonly string[] = analysis;

/** 32 prompts that palettes are calibrated with; none of {@link heldOutPrompts} and none of {@link analysisPrompts}. */
export const calibrationPrompts: readonly string[] = calibration;

function toPath(url: URL): string {
  if (url.protocol !== 'file:') return url.href;
  const path = decodeURIComponent(url.pathname).replace(/\/$/, '');
  return /^\/[A-Za-z]:\//.test(path) ? path.slice(1) : path;
}
