import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { readReports, withTable } from './device-table.mjs';

const page = readFileSync(new URL('../docs/benchmarks.md', import.meta.url), 'utf8');

test('the table of adapters is what the reports say', async () => {
  expect(await withTable(page, readReports())).toBe(page);
});

test('a new report becomes a row', async () => {
  const first = readReports()[0]!;
  const more = { ...first, adapter: { ...first.adapter, name: 'Some GPU' }, file: 'some-gpu.json' };
  const written = await withTable(page, [more, first]);
  expect(written).toContain('[Some GPU](../bench/results/some-gpu.json)');
  expect(written).toContain(first.summary.geomeanRatio!.toFixed(2));
});

test('a page without its marks is refused', async () => {
  await expect(withTable('# Nothing', [])).rejects.toThrow(/expected the marks/);
});
