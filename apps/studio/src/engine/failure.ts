import { errorInWords } from '../words/error-in-words.js';
import { isPleinairError } from 'pleinair';
import type { Failure } from './protocol.js';

/** An error as text that survives the way between threads. */
export function failureOf(error: unknown): Failure {
  const code = isPleinairError(error) ? error.code : isQuota(error) ? 'storage/quota' : 'unknown';
  return { kind: 'failed', code, message: errorInWords(error) };
}

/** The browser grants no more storage. */
function isQuota(error: unknown): boolean {
  return error instanceof Error && (error.name === 'QuotaExceededError' || /quota/i.test(error.message));
}
