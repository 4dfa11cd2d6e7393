import { join } from 'node:path';
import type { Plugin } from 'vite';
import { runnable } from './runnable.js';
import { documents, fileOf, isModule, root, samplesOf, wayOf, type Sample } from './samples.js';

const list = 'virtual:samples';
/** What samples import otherwise than others do. */
const wrapped: Readonly<Record<string, string>> = {
  pleinair: 'browser-pleinair.ts',
  '@pleinair/weights/browser': 'browser-weights.ts',
};
/** Where pages of samples find their model, and where it is served from. */
const model = ['/models/my-sdxl/', '/packages/demo-model/model/'] as const;

/**
 * Samples that want a page as modules that Vite serves, each beside its document, and the model they name. `virtual:samples`
 * lists them.
 */
export function sampleModules(): Plugin {
  const modules = new Map<string, Sample>();
  const names: string[] = [];
  return {
    name: 'pleinair-samples',
    // Before Vite finds what there is by the same names.
    enforce: 'pre',
    buildStart() {
      for (const sample of documents()
        .flatMap((document) => samplesOf(document))
        .filter(isModule)) {
        const way = wayOf(sample);
        if (way !== 'in-browser' && way !== 'file') continue;
        const file = sample.flags.flatMap((flag) => fileOf(flag) ?? [])[0];
        const name = file
          ? sample.document.replace(/[^/]+$/, file)
          : sample.document.replace(/\.md$/, `.${sample.line}.${sample.language}`);
        modules.set(join(root, name), sample);
        if (!file) names.push(name);
      }
    },
    resolveId(id, importer) {
      if (id === list) return `\0${list}`;
      const [path = ''] = id.split('?', 1);
      // What samples import, they get as tests must have it: no timing of kernels, and the test's Hub.
      const own = wrapped[path];
      if (own && importer && modules.has(importer.split('?', 1)[0]!)) return join(root, 'docs', 'test', 'world', own);
      for (const file of [path, join(root, path)]) if (modules.has(file)) return file + id.slice(path.length);
    },
    load(id) {
      if (id === `\0${list}`) {
        const entries = names.map((name) => `${JSON.stringify(name)}: () => import('/${name}')`);
        return `export const samples = { ${entries.join(', ')} };`;
      }
      const sample = modules.get(id.split('?', 1)[0]!);
      return sample && runnable(sample);
    },
    configureServer({ middlewares }) {
      middlewares.use((request, _, next) => {
        if (request.url?.startsWith(model[0])) request.url = model[1] + request.url.slice(model[0].length);
        next();
      });
    },
  };
}
