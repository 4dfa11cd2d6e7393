/**
 * Writes the table of measured adapters in docs/benchmarks.md from the reports in bench/results/.
 *
 *     node scripts/device-table.mjs            writes it
 *     node scripts/device-table.mjs --check    fails where it is not what the reports say
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { format } from 'prettier';
import { deviceCells, deviceHeads } from './device-row.mjs';

/** @typedef {import('@pleinair/bench').BenchReport & { file: string }} Report */

const root = fileURLToPath(new URL('..', import.meta.url));
const page = join(root, 'docs', 'benchmarks.md');
const [begin, end] = ['<!-- devices: begin -->', '<!-- devices: end -->'];

/**
 * Reports of the op suites, the fastest adapter first.
 *
 * @param {string} folder
 * @returns {Report[]}
 */
export function readReports(folder = join(root, 'bench', 'results')) {
  /** @type {Report[]} */
  const reports = readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .map((file) => Object.assign(JSON.parse(readFileSync(join(folder, file), 'utf8')), { file }));
  return reports
    .filter(({ peaks, results }) => peaks && results?.some(({ suite }) => suite === 'matmul'))
    .sort((a, b) => b.peaks.fma.best - a.peaks.fma.best);
}

/**
 * The page with the table of these reports between its marks, formatted as the repository's Markdown is.
 *
 * @param {string} markdown
 * @param {readonly Report[]} reports
 */
export async function withTable(markdown, reports) {
  const [from, to] = [markdown.indexOf(begin), markdown.indexOf(end)];
  if (from < 0 || to < from) {
    throw new Error(`docs/benchmarks.md: expected the marks ${begin} and ${end}, got neither or one. Put them back.`);
  }
  const linked = reports.map((report) => {
    const [adapter, ...rest] = deviceCells(report);
    return [`[${adapter}](../bench/results/${report.file})`, ...rest];
  });
  const rows = [deviceHeads, deviceHeads.map(() => '---'), ...linked].map((cells) => `| ${cells.join(' | ')} |`);
  const table = (await format(rows.join('\n'), { parser: 'markdown' })).trim();
  return `${markdown.slice(0, from + begin.length)}\n\n${table}\n\n${markdown.slice(to)}`;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const now = readFileSync(page, 'utf8');
  const wanted = await withTable(now, readReports());
  if (process.argv.includes('--check')) {
    if (now !== wanted) {
      console.error(
        'docs/benchmarks.md: expected the table that bench/results/ gives. Run node scripts/device-table.mjs.',
      );
      process.exit(1);
    }
  } else {
    writeFileSync(page, wanted);
  }
}
