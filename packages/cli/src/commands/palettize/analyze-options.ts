import { readFile } from 'node:fs/promises';
import { InvalidArgumentError } from 'commander';
import { PleinairError, type PaletteBits } from '@pleinair/tensor';
import { isPaletteBits, paletteBits } from '@pleinair/weights';

/** Reads `1,2,4`: widths of palettes, each once, narrowest first. */
export function parseWidths(text: string): readonly PaletteBits[] {
  const widths = text.split(',').map((item) => {
    const bits = item.trim() === '' ? NaN : Number(item);
    if (!isPaletteBits(bits))
      throw new InvalidArgumentError(`expected some of ${paletteBits.join(', ')}, got "${item}".`);
    return bits;
  });
  return [...new Set(widths)].sort((a, b) => a - b);
}

/** Reads `2.8,4.5`: average bits of recipes, each once, smallest first. */
export function parseTargets(text: string): readonly number[] {
  const targets = text.split(',').map((item) => {
    const bits = item.trim() === '' ? NaN : Number(item);
    if (!(bits > 0 && bits <= 16)) throw new InvalidArgumentError(`expected average bits from 0 to 16, got "${item}".`);
    return bits;
  });
  return [...new Set(targets)].sort((a, b) => a - b);
}

/**
 * Reads prompts from a file: a JSON list of texts where its name ends in `.json`, else a prompt a line; blank lines are
 * passed over.
 *
 * @throws `PleinairError` `usage/prompts`.
 */
export async function readPrompts(path: string): Promise<readonly string[]> {
  const fail = (got: string, cause?: unknown): PleinairError =>
    new PleinairError(
      'usage/prompts',
      `--prompts: expected a JSON list of texts, or a text file with a prompt a line, got ${got} at ${path}. Check the file.`,
      { cause },
    );
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw fail(error.code ?? error.message, error);
  });
  const prompts = /\.json$/i.test(path) ? parsed(text, fail) : text.split(/\r?\n/).map((line) => line.trim());
  const given = prompts.filter((prompt) => prompt.trim() !== '');
  if (given.length === 0) throw fail('none');
  return given;
}

function parsed(text: string, fail: (got: string, cause?: unknown) => PleinairError): string[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw fail('no JSON', error);
  }
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value;
  throw fail((JSON.stringify(value) ?? 'nothing').slice(0, 60));
}
