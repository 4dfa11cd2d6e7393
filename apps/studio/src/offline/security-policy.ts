/** Where models come from unless the user says otherwise: the Hub, and the hosts that it sends downloads to. */
export const hubSources: readonly string[] = ['https://huggingface.co', 'https://*.huggingface.co', 'https://*.hf.co'];

/**
 * The policy of pages: nothing but Studio's own files. Pages never talk to the Hub, workers do.
 * `blob:` is how pictures are shown.
 */
export const pagePolicy: string = [
  "default-src 'self'",
  "connect-src 'self' blob:",
  "img-src 'self' blob: data:",
  "worker-src 'self'",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'none'",
].join('; ');

/**
 * The policy of workers, which have one of their own: what they are served with.
 *
 * @param sources - Where models may come from.
 */
export function workerPolicy(sources: readonly string[] = hubSources): string {
  return ["default-src 'self'", `connect-src 'self' blob: ${sources.join(' ')}`, "worker-src 'self'"].join('; ');
}

/**
 * What a worker may reach for a Hub of the user's choice: the Hub and its hosts; of another, its own host at any port, and where
 * mirrors send on to for large files, the Hub's stores.
 *
 * @param endpoint - An address, or nothing for the Hub.
 */
export function sourcesOf(endpoint: string | undefined): readonly string[] {
  if (endpoint === undefined || !URL.canParse(endpoint)) return hubSources;
  const { origin, protocol, hostname } = new URL(endpoint);
  if (hostname === 'huggingface.co' || hostname === 'hf.co' || origin === 'null') return hubSources;
  return [origin, `${protocol}//${hostname}:*`, 'https://*.hf.co'];
}
