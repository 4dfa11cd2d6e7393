import { join } from 'node:path';
import { build } from 'esbuild';
import { describe, expect, it } from 'vitest';

const bundle = (entry: string, platform: 'browser' | 'node') =>
  build({
    entryPoints: [join(import.meta.dirname, entry)],
    bundle: true,
    write: false,
    splitting: true, // what is imported when asked for is loaded then
    outdir: 'out',
    metafile: true,
    minify: true,
    platform,
    format: 'esm',
    external: ['@huggingface/hub'],
    conditions: ['pleinair-source'],
    logLevel: 'silent',
  });

describe('the bundle', () => {
  it.each(['index.ts', 'browser.ts', 'opfs/download-worker.ts'])(
    'of %s needs nothing of Node and stays small',
    async (entry) => {
      const { outputFiles, metafile } = await bundle(entry, 'browser');
      const imports = Object.values(metafile.outputs).flatMap((output) => output.imports);
      const external = imports.filter(({ external: outside }) => outside);
      expect(new Set(external.map(({ path }) => path))).toEqual(new Set(['@huggingface/hub']));
      // CLIP's vocabulary is loaded when a checkpoint without a tokenizer is opened, and not before.
      const isVocabulary = (path: string) => /vocabulary-[^/]*\.js$/.test(path);
      const atOnce = outputFiles.filter(({ path }) => !isVocabulary(path));
      expect(atOnce.reduce((sum, { contents }) => sum + contents.length, 0)).toBeLessThan(90_000);
    },
  );

  it('of ./node is what needs Node, and index.ts does not reach it', async () => {
    await expect(bundle('node.ts', 'browser')).rejects.toThrow(/node:fs\/promises/);
    const { metafile } = await bundle('index.ts', 'browser');
    expect(Object.keys(metafile.inputs).filter((path) => /folder-source|write-file/.test(path))).toEqual([]);
  });
});
