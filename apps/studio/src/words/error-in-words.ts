/** What was thrown, in words. */
export function errorInWords(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
