import { describe, expect, it } from 'vitest';
import { sampleFile, sampleLayers } from '../../test/sample-recipe-file.js';
import { parseEvaluation } from '../evaluate/parse-evaluation.js';
import { palettizeReport } from './report.js';

const published = { name: 'published.json', file: sampleFile() };
const fast = { name: 'fast.json', file: sampleFile({ method: 'fast', runs: 400, better: 5 }) };
const page = palettizeReport({ files: [published, fast] });

/** Names of elements in the order they open and close, void ones left out: a page is well formed where they nest. */
function unclosed(html: string): string[] {
  const open: string[] = [];
  const isVoid = /^(meta|input|img|wbr|!doctype)$/;
  const outside = html.replace(/<(style|script)[^>]*>[\s\S]*?<\/\1>/g, '');
  for (const [, close, name, self] of outside.matchAll(/<(\/?)([!a-z][a-z0-9]*)(?:"[^"]*"|[^">])*?(\/?)>/g)) {
    if (isVoid.test(name!) || self) continue;
    if (close && open.at(-1) !== name) return [...open, `/${name}`];
    if (close) open.pop();
    else open.push(name!);
  }
  return open;
}

describe('palettizeReport', () => {
  it('is one well-formed page that asks nothing of the network', () => {
    expect(unclosed(page)).toEqual([]);
    expect(page.includes('default-src &#39;none&#39;')).toBe(true);
    expect(page.replaceAll('http-equiv', '')).not.toMatch(/https?:|url\((?!#)|@import|src="(?!data:)|href=/);
  });

  it('tells every recipe in figure, strips and table', () => {
    for (const { file } of [published, fast]) {
      const method = file.analysis!.method;
      for (const name of Object.keys(file.recipes)) {
        const bits = name.split('_')[1]!;
        expect(page).toContain(`aria-label="${method}: ${bits} bits, ${file.baselines[name]!.toFixed(1)} dB`);
        expect(page).toContain(`aria-label="${method} ${bits} bits; mean bits`);
        expect(page).toContain(`<th scope="row">${name.replaceAll('_', '_<wbr>')}</th><td>${bits}</td>`);
      }
    }
    for (const { layer } of sampleLayers()) expect(page).toContain(`<th scope="row">${layer}</th>`);
  });

  it('draws what recipes are measured against', () => {
    for (const bits of [1, 2, 4, 6, 8]) expect(page).toContain(`class="fixed w${bits}"`);
    expect(page).toContain('linear 8-bit, as published: 8.');
    expect(page).toContain('linear 8-bit, per output channel: 8.');
    expect(page).toContain('class="iso"');
  });

  it('says what follows from the figures', () => {
    expect(page).toMatch(/published: down to \d\.\d\d bits a weight/);
    expect(page).toMatch(/fast against published.*\+5\.0 dB at 4\.5.*with 400 model runs instead of 9.000/);
  });

  it('shows what an evaluation measured instead of what the analyses did', () => {
    const names = Object.keys(fast.file.recipes);
    const point = { bits: 8.1, psnr: 55 };
    const evaluation = parseEvaluation('record.json', {
      original: 77.7,
      prompts: 12,
      linear8: { published: point, perChannel: { bits: 8.2, psnr: 56 } },
      fixed: { 4: [point, { bits: 4.2, psnr: 44.4 }] },
      methods: { fast: { runs: 3, points: names.map((recipe, i) => ({ recipe, bits: 3, psnr: 31 + i })) } },
    });
    const html = palettizeReport({ files: [published, fast], evaluation });
    expect(unclosed(html)).toEqual([]);
    expect(html).toContain('mean over 12 prompts that no analysis has seen');
    names.forEach((_, i) => expect(html).toContain(`bits, ${31 + i}.0 dB`));
    expect(html).toContain('original in fp16: 77.7 dB');
    expect(html).toContain('<th scope="row">4-bit palettes</th><td>4.20</td><td>44.4 dB</td>');
    expect(html).not.toContain('class="fixed w8"');
    // Recipes that it lacks are told without a PSNR.
    expect(html).not.toContain('aria-label="published: ');
  });

  it.each([
    [{}, /original in dB/],
    [{ original: 1, prompts: 1, linear8: {} }, /linear8\.published/],
    [{ original: 1, prompts: 1, linear8: { published: { bits: 8, psnr: 9 } } }, /linear8\.perChannel/],
  ])('refuses %j as an evaluation', (json, message) => {
    expect(() => parseEvaluation('record.json', json)).toThrow(message);
  });

  it('gives no room to PSNR far above the original’s, which only says that nothing changed', () => {
    const file = sampleFile();
    const first = Object.keys(file.cumulative['8']!).find((key) => key !== 'metadata');
    const cumulative = { ...file.cumulative, 8: { ...file.cumulative['8'], [first!]: [200, 210] } };
    const html = palettizeReport({ files: [{ name: 'a', file: { ...file, cumulative } }] });
    const ticks = [...html.matchAll(/text-anchor="end">(\d+)<\/text>/g)].map(([, tick]) => Number(tick));
    expect(Math.max(...ticks)).toBeGreaterThanOrEqual(80);
    expect(Math.max(...ticks)).toBeLessThanOrEqual(90);
  });

  it('leaves out what files do not hold', () => {
    const { model_version, recipes } = published.file;
    const bare = { model_version, recipes, baselines: {}, single_layer: {}, cumulative: {} };
    const alone = palettizeReport({ files: [{ name: 'bare.json', file: bare }] });
    expect(unclosed(alone)).toEqual([]);
    expect(alone).toContain('no measurements to draw');
    expect(alone).toContain('All 54 layers');
    const nothing = palettizeReport({ files: [{ name: 'none.json', file: { ...bare, recipes: {} } }] });
    expect(nothing).toContain('hold no recipes');
  });

  it('says where palettes are not counted', () => {
    const file = sampleFile({ published: true });
    expect(palettizeReport({ files: [{ name: 'apple.json', file }] })).toContain('indices, not palettes');
    expect(page).toContain('Sizes hold indices and palettes.');
  });

  it('shows pictures side by side', () => {
    const png = new Uint8Array(20_000).fill(255);
    const pictures = ['original', 'fast 4.50 bits'].map((label) => ({ label, png }));
    const html = palettizeReport({ files: [fast], samples: [{ prompt: 'a "red" balloon', seed: 7, pictures }] });
    expect(unclosed(html)).toEqual([]);
    expect(html).toContain('“a &quot;red&quot; balloon”, seed 7');
    const base64 = Buffer.from(png).toString('base64');
    expect(html.split(`src="data:image/png;base64,${base64}"`)).toHaveLength(3);
    expect(page).not.toContain('<img');
  });

  it('lets no name out of its place', () => {
    const evil = '</script><script>alert(1)</script><b a="\'">';
    const file = { ...sampleFile(), model_version: evil, recipes: { [evil]: { [evil]: 4 as const } } };
    const html = palettizeReport({ files: [{ name: evil, file }] });
    expect(html).not.toContain('<script>alert');
    expect(html).not.toContain('<b a=');
    expect(unclosed(html)).toEqual([]);
  });

  it('tells analyses of one method apart', () => {
    const html = palettizeReport({ files: [fast, { ...fast, name: 'again.json' }] });
    expect(html).toContain('fast, again.json: ');
  });

  it('refuses no files and several models', () => {
    expect(() => palettizeReport({ files: [] })).toThrow(expect.objectContaining({ code: 'recipe/invalid' }));
    const other = { name: 'x', file: { ...fast.file, model_version: 'other' } };
    expect(() => palettizeReport({ files: [fast, other] })).toThrow(
      expect.objectContaining({ code: 'recipe/other-model' }),
    );
  });
});
