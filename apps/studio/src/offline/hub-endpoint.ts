const cacheName = 'pleinair-studio-settings';
const address = './settings/hub-endpoint';

/**
 * Remembers the Hub that the user chose, for the service worker, which writes it into the policy of workers that start from
 * then on. Restart the engine after it.
 *
 * @param endpoint - An address, or nothing for the Hub.
 */
export async function rememberHubEndpoint(endpoint: string | undefined): Promise<void> {
  const cache = await caches.open(cacheName);
  if (endpoint === undefined) await cache.delete(address);
  else await cache.put(address, new Response(endpoint));
}

/** The Hub that the user chose; nothing for the Hub itself. */
export async function readHubEndpoint(): Promise<string | undefined> {
  const kept = await caches.match(address, { cacheName });
  return kept?.text();
}
