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
  it('for browsers needs nothing of Node and stays small', async () => {
    const { outputFiles, metafile } = await bundle('index.ts', 'browser');
    const imports = Object.values(metafile.outputs).flatMap((output) => output.imports);
<<<<<<< HEAD
    expect(new Set(imports.map(({ path }) => path))).toEqual(new Set(['@huggingface/hub']));
    expect(outputFiles[0]!.contents.length).toBeLessThan(45_000);
  });

  it.each(['browser.ts', 'opfs/download-worker.ts'])('of %s needs nothing of Node and stays small', async (entry) => {
    const { outputFiles, metafile } = await bundle(entry, 'browser');
    const imports = Object.values(metafile.outputs).flatMap((output) => output.imports);
    expect(new Set(imports.map(({ path }) => path))).toEqual(new Set(['@huggingface/hub']));
    expect(outputFiles[0]!.contents.length).toBeLessThan(45_000);
=======
    const external = imports.filter(({ external: outside }) => outside);
    expect(new Set(external.map(({ path }) => path))).toEqual(new Set(['@huggingface/hub']));
    const bytesOf = (name: RegExp) =>
      outputFiles.filter(({ path }) => name.test(path)).reduce((sum, { contents }) => sum + contents.length, 0);
    const vocabulary = bytesOf(/vocabulary-[^/]*\.js$/);
    // CLIP's vocabulary is most of it all, and is loaded only for checkpoints without a tokenizer.
    expect(vocabulary).toBeGreaterThan(200_000);
    expect(bytesOf(/\.js$/) - vocabulary).toBeLessThan(60_000);
>>>>>>> 74b8555 (Load single-file checkpoints: opened as models in diffusers layout, by path, address or Blob, and with --model; held to diffusers' names, values and a picture)
  });

  it('of ./node is what needs Node, and index.ts does not reach it', async () => {
    await expect(bundle('node.ts', 'browser')).rejects.toThrow(/node:fs\/promises/);
    const { metafile } = await bundle('index.ts', 'browser');
    expect(Object.keys(metafile.inputs).filter((path) => /folder-source|write-file/.test(path))).toEqual([]);
  });
});
