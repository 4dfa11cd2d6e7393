import { loadTokenizer, parsePrompt, readTokenizerFiles, type ClipTokenizer } from '@pleinair/text/tokenizer';
import type { ModelSpot } from '../models/studio-model.js';
import { openSpot, spotKey } from './open-spot.js';
import type { PromptTokens } from './protocol.js';

/** Counts tokens with a model's own tokenizer, which needs no GPU. */
export class TokenCounter {
  private readonly opened = new Map<string, Promise<ClipTokenizer>>();

  /** @throws `PleinairError` where the model cannot be read; the next call tries again. */
  async count(model: ModelSpot, prompts: readonly string[]): Promise<PromptTokens[]> {
    const key = spotKey(model);
    let tokenizer = this.opened.get(key);
    if (!tokenizer) {
      tokenizer = open(model);
      this.opened.set(key, tokenizer);
      tokenizer.catch(() => this.opened.delete(key));
    }
    const counts = await tokenizer;
    return prompts.map((prompt) => {
      const { chunks, maxLength } = counts.count(parsePrompt(prompt));
      return { chunks, maxLength };
    });
  }

  /** Forgets a model's tokenizer: another model may take its name. */
  forget(model: ModelSpot): void {
    this.opened.delete(spotKey(model));
  }
}

async function open(model: ModelSpot): Promise<ClipTokenizer> {
  const source = await openSpot(model);
  // SDXL's refiner has the second one only.
  const folder = (await source.exists('tokenizer/vocab.json')) ? 'tokenizer' : 'tokenizer_2';
  const files = await readTokenizerFiles(async (name) => {
    const path = `${folder}/${name}`;
    return (await source.exists(path)) ? source.readText(path) : undefined;
  });
  return loadTokenizer(files);
}
