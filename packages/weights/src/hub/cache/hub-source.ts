import { folderSource } from '../../folder-source.js';
import type { ModelSource } from '../../source.js';
import { downloadModel, type HubDownloadOptions } from './download-model.js';

/**
 * A model of the Hub, downloaded first if it is not in the cache yet; see {@link downloadModel}. Node only.
 *
 * @param model - `owner/name` or `owner/name@revision`.
 */
export async function hubSource(model: string, options: HubDownloadOptions = {}): Promise<ModelSource> {
  const { name, folder } = await downloadModel(model, options);
  return { ...folderSource(folder), describe: () => name };
}
