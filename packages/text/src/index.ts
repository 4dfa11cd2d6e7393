export {
  loadTokenizer,
  parsePrompt,
  promptNotation,
  readTokenizerFiles,
  TOKENIZER_FILE_NAMES,
  TokenizerError,
  tokenizeTogether,
  type BreakPiece,
  type ChunkFormat,
  type ClipTokenizer,
  type EmbeddingPiece,
  type InjectedVector,
  type LoadTokenizerOptions,
  type ParsePromptOptions,
  type Prompt,
  type PromptPiece,
  type TextPiece,
  type Token,
  type TokenChunk,
  type TokenCount,
  type TokenizedPrompt,
  type TokenizerErrorCode,
  type TokenizerFileName,
  type TokenizerFiles,
} from './tokenizer/index.js';
export { pooledPosition, readTextEncoderConfig, TextConfigError, type TextEncoderConfig } from './encoder/config.js';
export { weighStates } from './encoder/token-weights.js';
export { textEncoderGraph, type TextEncoderOptions } from './encoder/clip-text.js';
