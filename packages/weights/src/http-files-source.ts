import { WeightError } from './errors.js';
import { httpClient, type HttpSourceOptions } from './http-source.js';
import { HttpFile } from './http-file.js';
import { createSource, type ModelSource } from './source.js';

/** Bundlers write small files into `data:` addresses; pages make `blob:` ones. */
const protocols = new Set(['http:', 'https:', 'data:', 'blob:']);

/**
 * A model whose files have an address each, as bundlers give them out (`/assets/config-1a2b3c.json`), instead of lying
 * under one base address as {@link httpSource} expects. Read with Range requests where the server takes them.
 *
 * @param files - Addresses by path in diffusers layout (`unet/config.json`); in a browser they may be relative to the
 *   page. A path that is not in it is a file that is not there.
 * @throws {@link WeightError} `weights/network` for an address that is none of http, https, data and blob.
 */
export function httpFilesSource(
  files: Readonly<Record<string, string | URL>>,
  options: HttpSourceOptions = {},
): ModelSource {
  const where = `${Object.keys(files).length} files by address`;
  const client = httpClient(options);
  const opened = new Map(
    Object.entries(files).map(([path, address]) => [path, new HttpFile(client, parse(path, address), path, where)]),
  );
  return createSource({
    describe: () => where,
    size: async (path, { signal }) => opened.get(path)?.findSize(signal),
    readInto: async (path, start, target, { signal }) => (await opened.get(path)?.read(start, target, signal)) ?? 0,
    readAll: async (path, { signal }) => opened.get(path)?.readAll(signal),
  });
}

function parse(path: string, address: string | URL): URL {
  const page = (globalThis as { location?: { href?: string } }).location?.href;
  const url = URL.canParse(address, page) ? new URL(address, page) : undefined;
  if (url && protocols.has(url.protocol)) return url;
  throw new WeightError(
    'weights/network',
    `httpFilesSource: expected an http, https, data or blob address for ${path}, got ${JSON.stringify(String(address))}. ` +
      'Give each file an address; folders on disk are read by folderSource.',
  );
}
