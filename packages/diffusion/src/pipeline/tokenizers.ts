import {
  loadTokenizer,
  readTokenizerFiles,
  TokenizerError,
  type ClipTokenizer,
  type TextEncoderConfig,
} from '@pleinair/text';
import type { ModelSource } from '@pleinair/weights';
import { ConfigError } from '../json-config.js';

/**
 * Loads the tokenizer in a folder of the model and checks that it and its encoder belong together.
 *
 * @throws `TokenizerError`; `ConfigError` `config/mismatch` where ids or lengths would not fit the encoder.
 */
export async function openTokenizer(
  source: ModelSource,
  folder: string,
  encoder: TextEncoderConfig,
  signal?: AbortSignal,
): Promise<ClipTokenizer> {
  const files = await readTokenizerFiles(async (name) => {
    const path = `${folder}/${name}`;
    return (await source.exists(path, { signal })) ? source.readText(path, { signal }) : undefined;
  });
  let tokenizer: ClipTokenizer;
  try {
    tokenizer = loadTokenizer(files);
  } catch (error) {
    if (!(error instanceof TokenizerError)) throw error;
    throw new TokenizerError(error.code, `${folder} in ${source.describe()}: ${error.message}`, { cause: error });
  }
  // An id beyond the table would be a zero vector: a wrong picture, and no word of it.
  if (tokenizer.vocabularySize > encoder.vocabSize || tokenizer.maxLength > encoder.maxPositions) {
    throw new ConfigError(
      'config/mismatch',
      `${folder}: expected at most ${encoder.vocabSize} ids and ${encoder.maxPositions} places, as its text encoder has, ` +
        `got ${tokenizer.vocabularySize} and ${tokenizer.maxLength}. The parts come from different models.`,
    );
  }
  return tokenizer;
}
