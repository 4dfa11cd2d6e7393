import { isPleinairError } from '@pleinair/tensor';
import { folderSource } from '../../folder-source.js';
import type { ModelSource } from '../../source.js';
import { remoteHubSource } from '../remote-source.js';
import { findToken, hubEndpointOf, isOffline } from './cache-places.js';
import { downloadModel, type HubDownloadOptions } from './download-model.js';

/** Options of {@link hubSource}. */
export interface HubSourceOptions extends HubDownloadOptions {
  /**
   * `whole`: the model is downloaded first, if it is not in the cache. `none`: what is not in the cache is read over the net, file by
   * file and range by range, and not kept; for looking at a model without its gigabytes. @defaultValue 'whole'
   */
  readonly download?: 'whole' | 'none';
}

/**
 * A model of the Hub, downloaded first if it is not in the cache yet; see {@link downloadModel}. Node only.
 *
 * @param model - `owner/name` or `owner/name@revision`.
 * @throws As {@link downloadModel}.
 */
export async function hubSource(model: string, options: HubSourceOptions = {}): Promise<ModelSource> {
  const { download = 'whole', ...access } = options;
  if (download === 'whole') return cachedSource(model, options);
  try {
    return await cachedSource(model, { ...options, offline: true });
  } catch (error) {
    const askHub = !(options.offline ?? isOffline()) && isPleinairError(error) && error.code === 'hub/offline';
    if (!askHub) throw error;
  }
  const endpoint = options.endpoint ?? hubEndpointOf();
  return remoteHubSource(model, { ...access, endpoint, token: options.token ?? (await findToken()) });
}

async function cachedSource(model: string, options: HubDownloadOptions): Promise<ModelSource> {
  const { name, folder } = await downloadModel(model, options);
  return { ...folderSource(folder), describe: () => name };
}
