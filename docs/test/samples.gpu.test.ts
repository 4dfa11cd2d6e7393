// Samples marked `run` are run in a folder that has what they name, on the demo model.
import { testDevice } from '@pleinair/testing';
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { runnable } from './runnable.js';
import { documents, isModule, root, samplesOf, wayOf } from './samples.js';
import { disposeLoaded } from './world/node-pleinair.js';
import { NodeWorld } from './world/node-world.js';

const slow = process.env['PLEINAIR_TEST_ADAPTER'] === 'swiftshader';
const samples = documents()
  .flatMap((document) => samplesOf(document))
  .filter((sample) => isModule(sample) && wayOf(sample) === 'run');

describe.skipIf(slow)('samples of the documents (asked of one adapter, not SwiftShader)', () => {
  let world: NodeWorld;
  beforeAll(async () => {
    world = await NodeWorld.open();
  });
  afterAll(async () => {
    await world?.close();
    const { weights, intermediates, persistent } = (await testDevice()).memory.current;
    expect({ weights, intermediates, persistent }).toEqual({ weights: 0, intermediates: 0, persistent: 0 });
  });

  it.each(samples.map((sample) => [`${sample.document}:${sample.line}`, sample] as const))(
    '%s runs',
    async (_, sample) => {
      const print = vi.spyOn(console, 'log').mockImplementation(() => undefined);
      const before = readdirSync(world.folder);
      // Beside its document, where imports find what they find there.
      const file = join(root, sample.document.replace(/([^/]+)\.md$/, `.sample-$1-${sample.line}.mjs`));
      const wrapped = join(root, 'docs', 'test', 'world', 'node-pleinair.ts');
      const { outputText } = ts.transpileModule(
        runnable(sample).replaceAll("from 'pleinair'", `from ${JSON.stringify(wrapped)}`),
        {
          compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 },
        },
      );
      writeFileSync(file, outputText);
      try {
        await import(/* @vite-ignore */ file);
        // What a sample says it prints and writes, it does.
        if (sample.code.includes('console.log(')) expect(print).toHaveBeenCalled();
        const wrote = readdirSync(world.folder).filter((name) => !before.includes(name));
        if (sample.code.includes('writeFile(')) expect(wrote.length).toBeGreaterThan(0);
      } finally {
        rmSync(file);
        print.mockRestore();
        disposeLoaded();
      }
    },
  );
});
