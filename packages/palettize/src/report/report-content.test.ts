import { readFile } from 'node:fs/promises';
import { palettizedFiles, recipeFiles } from '@pleinair/demo-model/files';
import { blobSource, componentPalettes, openComponent } from '@pleinair/weights';
import { describe, expect, it } from 'vitest';
import { sampleFile } from '../../test/sample-recipe-file.js';
import { layerName } from '../recipe/candidates.js';
import { readRecipeBlob, type PaletteFile } from '../recipe/read-recipe-blob.js';
import { reportContent } from './report-content.js';

async function blobOf(url: URL): Promise<Blob> {
  return new Blob([await readFile(url)]);
}

async function demoFiles(): Promise<Extract<PaletteFile, { kind: 'recipes' }>[]> {
  const read = await Promise.all(
    (['published.json', 'fast.json'] as const).map(async (name) =>
      readRecipeBlob(await blobOf(recipeFiles[name]), name),
    ),
  );
  return read.filter((file) => file.kind === 'recipes');
}

describe('reportContent', () => {
  it('is plain data but for its figure', () => {
    const { figure, ...data } = reportContent({ files: [{ name: 'a.json', file: sampleFile() }] });
    expect(structuredClone(data)).toEqual(data);
    expect(figure({ width: 600, height: 400, text: 13 })).toMatch(/^<svg [^>]*viewBox="0 0 600 400"[\s\S]*<\/svg>$/);
  });

  it('escapes what files say, and styles nothing in place', () => {
    const file = { ...sampleFile({ method: '<img src=x onerror=y>' }) };
    const figure = reportContent({ files: [{ name: 'a', file }] }).figure({ width: 600, height: 400, text: 13 });
    expect(figure).not.toContain('<img');
    expect(figure).not.toContain(' style=');
  });

  it('tells the bits of each layer, along the network and by block', () => {
    const { layers } = reportContent({ files: [{ name: 'a', file: sampleFile() }] });
    for (const { bits, byBlock } of layers!.rows) {
      expect(bits).toHaveLength(layers!.layers.length);
      expect(byBlock).toHaveLength(layers!.blocks.length);
    }
    expect(layers!.blocks.reduce((sum, { count }) => sum + count, 0)).toBe(layers!.layers.length);
  });
});

describe("the demo model's recipes", () => {
  it('are shown with what they reach on unseen prompts', async () => {
    const record = await readRecipeBlob(await blobOf(recipeFiles['evaluation.json']), 'evaluation.json');
    expect(record.kind).toBe('evaluation');
    const evaluation = record.kind === 'evaluation' ? record.evaluation : undefined;
    const content = reportContent({ files: await demoFiles(), evaluation });
    expect(content.model).toBe('pleinair-demo');
    expect(content.legend.map(({ title }) => title)).toEqual(['published', 'fast']);
    expect(content.caption).toContain('16 prompts that no analysis has seen');
    expect(content.layers!.rows).toHaveLength(25);
    expect(content.layers!.rows.every(({ psnr }) => psnr !== undefined)).toBe(true);
    const [, fast] = content.groups;
    const shipped = fast!.rows.find(({ name }) => name === 'recipe_6.50_bit_mixedpalette')!;
    expect(shipped.psnr).toBeGreaterThan(70);
    expect(shipped.bytes).toBeGreaterThan(3e6);
  });

  it('are those that the shipped weights have', async () => {
    const fast = (await demoFiles())[1]!.file.recipes['recipe_6.50_bit_mixedpalette']!;
    const files = new Map<string, Blob>();
    for (const [path, url] of Object.entries(palettizedFiles)) files.set(path, await blobOf(url));
    const palettes = componentPalettes(await openComponent(blobSource(files), 'unet'));
    const wanted = Object.entries(fast).filter(([, bits]) => bits !== 16);
    expect(wanted.length).toBe(165);
    for (const [layer, bits] of wanted) expect(palettes(`${layer}.weight`)?.bits, layer).toBe(bits);
    expect(Object.keys(fast).every((layer) => layerName(layer) === layer)).toBe(true);
  });
});
