import { join } from 'node:path';
import { build } from 'esbuild';
import { describe, expect, it } from 'vitest';

const bundle = (entry: string, platform: 'browser' | 'node') =>
  build({
    entryPoints: [join(import.meta.dirname, entry)],
    bundle: true,
    write: false,
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
    expect(new Set(imports.map(({ path }) => path))).toEqual(new Set(['@huggingface/hub']));
    expect(outputFiles[0]!.contents.length).toBeLessThan(45_000);
  });

  it.each(['browser.ts', 'opfs/download-worker.ts'])('of %s needs nothing of Node and stays small', async (entry) => {
    const { outputFiles, metafile } = await bundle(entry, 'browser');
    const imports = Object.values(metafile.outputs).flatMap((output) => output.imports);
    expect(new Set(imports.map(({ path }) => path))).toEqual(new Set(['@huggingface/hub']));
    expect(outputFiles[0]!.contents.length).toBeLessThan(45_000);
  });

  it('of ./node is what needs Node, and index.ts does not reach it', async () => {
    await expect(bundle('node.ts', 'browser')).rejects.toThrow(/node:fs\/promises/);
    const { metafile } = await bundle('index.ts', 'browser');
    expect(Object.keys(metafile.inputs).filter((path) => /folder-source|write-file/.test(path))).toEqual([]);
  });
});
