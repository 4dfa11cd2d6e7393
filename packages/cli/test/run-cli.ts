import { PassThrough } from 'node:stream';
import { run } from '../src/program.js';

/**
 * Runs the command line in this process and collects what it writes. Pictures are made without tuning, so that they repeat
 * exactly and the user's results stay as they are, unless "--tune" is given.
 */
export async function runCli(...given: string[]): Promise<{ code: number; out: string; err: string }> {
  const args = withoutTuning(given);
  const out = new PassThrough();
  const err = new PassThrough();
  const texts = { out: '', err: '' };
  out.on('data', (chunk: Buffer) => (texts.out += chunk.toString()));
  err.on('data', (chunk: Buffer) => (texts.err += chunk.toString()));
  const code = await run(args, { out, err });
  return { code, ...texts };
}

/** The arguments, with `--tune off` where they make pictures and say nothing of it. */
export function withoutTuning(args: readonly string[]): readonly string[] {
  return args[0] === 'generate' && !args.includes('--tune') ? [...args, '--tune', 'off'] : args;
}

/** The JSON object on the last line of stdout. */
export function lastLine(out: string): Record<string, unknown> {
  return JSON.parse(out.trimEnd().split('\n').at(-1)!) as Record<string, unknown>;
}
