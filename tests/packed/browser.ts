import { createReadStream, existsSync, statSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';
import { chromium, type Browser, type BrowserContext } from 'playwright-core';
import { chromiumArguments } from '../../scripts/setup/chromium-arguments.mjs';

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.json': 'application/json',
  '.webmanifest': 'application/manifest+json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.woff2': 'font/woff2',
};

/**
 * A folder of files on the loopback interface, as any static host serves them: no ranges, no start page for all.
 *
 * @param more - Headers of one's own for a path.
 */
export async function serveFolder(
  folder: string,
  more: (path: string) => Readonly<Record<string, string>> = () => ({}),
): Promise<{ address: string; close: () => Promise<void> }> {
  const server: Server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url ?? '/', 'http://local').pathname);
    const file = [path.endsWith('/') ? `${path}index.html` : path, `${path}.html`]
      .map((one) => join(folder, normalize(one)))
      .find((one) => existsSync(one) && statSync(one).isFile());
    if (!file) {
      response.writeHead(404, { 'content-type': 'text/plain' }).end('not there');
      return;
    }
    const headers = {
      'content-type': types[extname(file)] ?? 'application/octet-stream',
      'content-length': statSync(file).size,
      ...more(path),
    };
    response.writeHead(200, headers);
    createReadStream(file).pipe(response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    address: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/**
 * Chromium that keeps what pages store in a folder on the disk. Elsewhere it keeps that in memory, and grants less of it.
 *
 * @param more - Arguments besides, of which later ones win.
 */
export function openChromiumIn(
  folder: string,
  { more = [], ...options }: ChromiumOptions & { readonly more?: readonly string[] } = {},
): Promise<BrowserContext> {
  return chromium.launchPersistentContext(folder, {
    executablePath: process.env['PLEINAIR_CHROMIUM'],
    args: [...chromiumArguments, ...more],
    ...options,
  });
}

type ChromiumOptions = NonNullable<Parameters<typeof chromium.launchPersistentContext>[1]>;

/** Chromium with a WebGPU adapter in software. */
export function openChromium(): Promise<Browser> {
  return chromium.launch({ executablePath: process.env['PLEINAIR_CHROMIUM'], args: [...chromiumArguments] });
}
