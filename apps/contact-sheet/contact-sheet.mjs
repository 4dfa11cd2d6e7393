#!/usr/bin/env node
// A contact sheet from a list of prompts:
//
//   node contact-sheet.mjs prompts.txt --out sheet.png
//
// One painter makes all pictures, one after the other, so the model is loaded and its kernels are compiled once.
import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { modelPath } from '@pleinair/demo-model';
import { isPleinairError, load } from 'pleinair';
import { readPrompts } from './prompts.mjs';
import { checkSheetPlace, sheetFormats, SheetPlaceError, writeSheet } from './sheet.mjs';

const usage = `contact-sheet PROMPTS [flags]

PROMPTS is a text file with a prompt a line; empty lines and lines that begin with # are passed over. "-" reads stdin.

  --out FILE       the sheet: ${sheetFormats.join(', ')} by its ending (default contact-sheet.png)
  --model PLACE    a folder, a .safetensors checkpoint, owner/name on the Hub, or an HTTP address (default: the demo model)
  --count N        pictures of each prompt, with seeds of their own (default 1)
  --columns N      cells in a row (default: what makes the sheet about square)
  --cell N         width of a cell in pixels (default: that of the pictures)
  --seed N         first seed; the same for every prompt (default 1)
  --steps N  --guidance N  --width N  --height N  --negative TEXT      as in \`pleinair generate\`
  --no-captions    leaves the prompts out

Ctrl-C ends it; the pictures so far are on the sheet.`;

const options = /** @type {const} */ ({
  out: { type: 'string', default: 'contact-sheet.png' },
  model: { type: 'string', default: modelPath },
  count: { type: 'string', default: '1' },
  columns: { type: 'string' },
  cell: { type: 'string' },
  seed: { type: 'string', default: '1' },
  steps: { type: 'string' },
  guidance: { type: 'string' },
  width: { type: 'string' },
  height: { type: 'string' },
  negative: { type: 'string' },
  'no-captions': { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
});

/** A mistake on the command line, in words. */
class UsageError extends Error {}

/**
 * @param {string} name
 * @param {string | undefined} text
 * @param {{ whole?: boolean, least?: number }} [bounds]
 * @returns {number | undefined}
 */
function numberFlag(name, text, { whole = true, least = 1 } = {}) {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (text.trim() === '' || Number.isNaN(value) || value < least || (whole && !Number.isInteger(value))) {
    throw new UsageError(
      `--${name}: expected a ${whole ? 'whole ' : ''}number of at least ${least}, got ${JSON.stringify(text)}.`,
    );
  }
  return value;
}

/** @returns {{ file: string | undefined, flags: ReturnType<typeof parseArgs<{ options: typeof options }>>['values'] }} */
function readCommandLine() {
  try {
    const { values, positionals } = parseArgs({ options, allowPositionals: true });
    return { file: positionals[0], flags: values };
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

/** @param {string} file */
async function readText(file) {
  if (file !== '-') {
    return readFile(file, 'utf8').catch((/** @type {Error} */ { message }) => {
      throw new UsageError(
        `${file}: expected a text file with a prompt a line, got none (${message}). Check the path.`,
      );
    });
  }
  let text = '';
  for await (const chunk of process.stdin) text += chunk;
  return text;
}

/** @param {string} text - Replaces the line it wrote before, at a terminal. */
const say = (text) => process.stderr.write(process.stderr.isTTY ? `\r\x1b[2K${text}` : `${text}\n`);

/** @param {number} bytes */
const megabytes = (bytes) => (bytes / 1e6).toFixed(0);

/** @returns {Promise<number>} The exit code. */
async function main() {
  const { file, flags } = readCommandLine();
  if (flags.help || !file) {
    console.log(usage);
    return flags.help ? 0 : 2;
  }
  const prompts = readPrompts(await readText(file));
  if (prompts.length === 0) {
    throw new UsageError(`${file}: expected a prompt a line, got none. Lines that begin with # do not count.`);
  }
  const count = numberFlag('count', flags.count) ?? 1;
  const shared = {
    count,
    seed: numberFlag('seed', flags.seed, { least: 0 }),
    steps: numberFlag('steps', flags.steps),
    guidance: numberFlag('guidance', flags.guidance, { whole: false, least: 0 }),
    width: numberFlag('width', flags.width, { least: 8 }),
    height: numberFlag('height', flags.height, { least: 8 }),
    negativePrompt: flags.negative,
  };
  const layout = {
    columns: numberFlag('columns', flags.columns),
    cell: numberFlag('cell', flags.cell, { least: 16 }),
    captions: !flags['no-captions'],
  };

  await checkSheetPlace(flags.out);

  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort());
  /** @type {import('./sheet.mjs').Cell[]} */
  const cells = [];
  /** @type {import('pleinair').Painter | undefined} */
  let painter;
  let cancelled = false;
  try {
    say('loading the model');
    painter = await load(flags.model, { signal: stop.signal });
    for (const [i, prompt] of prompts.entries()) {
      await painter.generate({
        ...shared,
        prompt,
        signal: stop.signal,
        onProgress: ({ part, phase, loaded, total }) => {
          // A line a megabyte would be too much for a log.
          if (!process.stderr.isTTY || phase === 'run') return;
          const bytes = phase === 'weights' ? `: ${megabytes(loaded)} of ${megabytes(total)} MB` : '';
          say(`getting ready: ${part}, ${phase}${bytes}`);
        },
        onStep: ({ picture, step, steps }) =>
          say(`${i + 1}/${prompts.length} ${prompt}: picture ${picture + 1}/${count}, step ${step}/${steps}`),
        onImage: (picture) => cells.push({ picture, caption: prompt }),
      });
    }
  } catch (error) {
    if (!stop.signal.aborted) throw error;
    cancelled = true;
  } finally {
    painter?.dispose();
  }
  if (cancelled) say('cancelled\n');
  if (cells.length > 0) {
    const { width, height } = await writeSheet(flags.out, cells, layout);
    say(`${flags.out}: ${cells.length} of ${prompts.length * count} pictures, ${width}×${height}\n`);
  } else say('no picture was finished, so there is no sheet\n');
  // What shells give for a program that Ctrl-C has ended.
  return cancelled ? 130 : 0;
}

/**
 * Messages say what was expected, what came instead, and what to do; a stack would only hide that.
 *
 * @param {unknown} error
 */
function wordsFor(error) {
  if (!(error instanceof Error)) return error;
  if (error instanceof SheetPlaceError) return `--out: ${error.message}`;
  return error instanceof UsageError || isPleinairError(error) ? error.message : error.stack;
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(wordsFor(error));
  process.exitCode = error instanceof UsageError || error instanceof SheetPlaceError ? 2 : 1;
}
