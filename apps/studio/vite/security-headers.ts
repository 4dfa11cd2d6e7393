import type { Plugin } from 'vite';
import { pagePolicy, workerPolicy } from '../src/offline/security-policy.js';

/**
 * Writes the security policies into a build: the page's into its head, so that no host can forget it; the workers', which only
 * a header can carry, into `_headers`, a file that Netlify, Cloudflare Pages and others follow.
 */
export function securityHeaders(): Plugin {
  return {
    name: 'studio:security-headers',
    apply: 'build',
    transformIndexHtml: () => [
      {
        tag: 'meta',
        attrs: { 'http-equiv': 'Content-Security-Policy', content: pagePolicy },
        injectTo: 'head-prepend',
      },
    ],
    generateBundle() {
      this.emitFile({ type: 'asset', fileName: '_headers', source: headersFile() });
    },
  };
}

function headersFile(): string {
  const worker = `  Content-Security-Policy: ${workerPolicy()}`;
  return [
    '/*',
    '  X-Content-Type-Options: nosniff',
    '  Referrer-Policy: no-referrer',
    '  Cross-Origin-Opener-Policy: same-origin',
    // Hosts go by the address that was asked for, which is seldom the file's.
    ...['/', '/index.html'].flatMap((path) => [
      path,
      `  Content-Security-Policy: ${pagePolicy}; frame-ancestors 'none'`,
    ]),
    ...['worker', 'models-worker', 'download-worker', 'web-worker'].flatMap((name) => [`/assets/${name}-*`, worker]),
    '',
  ].join('\n');
}
