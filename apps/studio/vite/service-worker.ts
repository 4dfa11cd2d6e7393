import { build, type Plugin } from 'vite';
import { precachedFiles } from './precache.js';

/**
 * Builds the service worker after everything else: it holds the list of all files. One classic script, as not every browser
 * takes modules there.
 */
export function serviceWorker(entry: string): Plugin {
  let root = '';
  let outDir = '';
  return {
    name: 'studio:service-worker',
    apply: 'build',
    configResolved(config) {
      root = config.root;
      outDir = config.build.outDir;
    },
    async closeBundle() {
      await build({
        root,
        configFile: false,
        logLevel: 'warn',
        publicDir: false,
        define: {
          __PRECACHE__: JSON.stringify(precachedFiles(`${root}/${outDir}`)),
          'process.env.NODE_ENV': '"production"',
        },
        build: {
          outDir,
          emptyOutDir: false,
          rolldownOptions: { input: entry, output: { format: 'iife', entryFileNames: 'service-worker.js' } },
        },
      });
    },
  };
}
