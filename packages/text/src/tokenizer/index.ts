export {
  loadTokenizer,
  type ClipTokenizer,
  type LoadTokenizerOptions,
  type TokenCount,
  type TokenizedPrompt,
} from './clip-tokenizer.js';
export type { ChunkFormat, TokenChunk } from './chunks.js';
export { TokenizerError, type TokenizerErrorCode } from './errors.js';
export { readTokenizerFiles, TOKENIZER_FILE_NAMES, type TokenizerFileName, type TokenizerFiles } from './files.js';
export type { BreakPiece, EmbeddingPiece, InjectedVector, Prompt, PromptPiece, TextPiece, Token } from './prompt.js';
export { tokenizeTogether } from './together.js';
export { promptNotation } from './prompt-notation.js';
export { parsePrompt, type ParsePromptOptions } from './weighted-prompt.js';
