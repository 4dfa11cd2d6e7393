import react from '@vitejs/plugin-react';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';
import { securityHeaders } from './vite/security-headers.js';
import { serviceWorker } from './vite/service-worker.js';

export default defineConfig({
  // Wherever it is put: a domain, or a folder of one.
  base: './',
  plugins: [
    react(),
    securityHeaders(),
    serviceWorker(fileURLToPath(new URL('src/offline/service-worker.ts', import.meta.url))),
  ],
  // Packages' sources, so that neither working on it nor building it needs their builds, which may be older.
  resolve: { conditions: ['pleinair-source', 'module', 'browser', 'development|production'] },
  // The model's addresses are relative to its package, so it is left where it is; only Node loads Dawn.
  optimizeDeps: { exclude: ['@pleinair/demo-model', 'webgpu'] },
  worker: { format: 'es' },
  build: {
    target: 'es2022',
    // Configurations of a few hundred bytes as `data:` addresses would need a wider connect-src.
    assetsInlineLimit: 0,
  },
});
