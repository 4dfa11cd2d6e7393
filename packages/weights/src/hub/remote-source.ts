import { httpSource } from '../http-source.js';
import type { ModelSource, ReadOptions } from '../source.js';
import { HubClient, type HubAccess } from './hub-client.js';
import { formatHubName, readHubName } from './hub-name.js';

/**
 * A model of the Hub read over the net, as it is now: whatever is asked for comes by ranges, and nothing is kept. For a look at
 * configurations and headers; to make pictures, download it.
 *
 * @param model - `owner/name` or `owner/name@revision`.
 * @throws `HubError`, `WeightError` `weights/network`, `CancelledError`.
 */
export async function remoteHubSource(model: string, options: HubAccess & ReadOptions = {}): Promise<ModelSource> {
  const name = readHubName(model, options.endpoint);
  const client = new HubClient(options);
  const commit = await client.findCommit(name, options);
  const { token, fetch, retries, retryDelayMs, stallMs } = options;
  const source = httpSource(`${client.endpoint}/${name.repo}/resolve/${commit}`, {
    headers: token ? { Authorization: `Bearer ${token}` } : {},
    fetch,
    retries,
    retryDelayMs,
    stallMs,
  });
  return { ...source, describe: () => formatHubName(name) };
}
