import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { modelPath } from '@pleinair/demo-model';
import { candidatesOf, formatRecipeFile, type Recipe } from '@pleinair/palettize';
import { openComponent } from '@pleinair/weights';
import { folderSource } from '@pleinair/weights/node';
import { decode } from 'fast-png';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runCli } from './run-cli.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pleinair-report-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

// SwiftShader compiles every kernel anew for each device.
const slow = process.env['PLEINAIR_TEST_ADAPTER'] === 'swiftshader';

describe('pleinair palettize report', () => {
  it.skipIf(slow)(
    'makes pictures of the original and of recipes with one seed (asked of one adapter, not SwiftShader)',
    async () => {
      const unet = await openComponent(folderSource(modelPath), 'unet');
      const candidates = candidatesOf(unet.entries.values(), { minWeights: 1000 });
      const all = (bits: 1 | 8): Recipe => Object.fromEntries(candidates.map(({ layer }) => [layer, bits]));
      const path = join(folder, 'recipe.json');
      const layers = candidates.map(({ layer, shape }) => ({ layer, shape }));
      const file = {
        model_version: 'pleinair-demo',
        baselines: {},
        recipes: { small: all(1), large: all(8) },
        single_layer: {},
        cumulative: {},
        analysis: { method: 'uniform', evaluations: 0, runs: 0, layers },
      };
      await writeFile(path, formatRecipeFile(file));
      const out = join(folder, 'page.html');
      const flags = ['--model', 'demo', '--prompt', 'a lighthouse at night', '--seed', '3', '--steps', '4'];
      const before = await temporaryFolders();
      const { code, err } = await runCli('palettize', 'report', path, '--out', out, ...flags);
      expect(code, err).toBe(0);
      expect(await temporaryFolders()).toEqual(before);
      const page = await readFile(out, 'utf8');
      const pictures = [...page.matchAll(/<img src="data:image\/png;base64,([^"]+)" alt="([^"]+)">/g)];
      expect(pictures.map(([, , alt]) => alt)).toEqual([
        'a lighthouse at night, made with original',
        expect.stringMatching(/made with uniform 8\.\d\d bits/),
        expect.stringMatching(/made with uniform 1\.\d\d bits/),
      ]);
      const [original, large, small] = pictures.map(([, png]) => decode(Buffer.from(png!, 'base64')));
      const distance = (other: typeof large): number =>
        [...other!.data].reduce((sum, value, i) => sum + Math.abs(value - original!.data[i]!), 0);
      expect(distance(large)).toBeGreaterThan(0);
      expect(distance(small)).toBeGreaterThan(4 * distance(large));
    },
  );
});

/** Where recipes are applied to. */
async function temporaryFolders(): Promise<string[]> {
  return (await readdir(tmpdir())).filter((name) => name.startsWith('pleinair-recipe-'));
}
