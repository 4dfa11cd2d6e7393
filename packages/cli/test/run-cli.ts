import { PassThrough } from 'node:stream';
import { run } from '../src/program.js';

/** Runs the command line in this process and collects what it writes. */
export async function runCli(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const out = new PassThrough();
  const err = new PassThrough();
  const texts = { out: '', err: '' };
  out.on('data', (chunk: Buffer) => (texts.out += chunk.toString()));
  err.on('data', (chunk: Buffer) => (texts.err += chunk.toString()));
  const code = await run(args, { out, err });
  return { code, ...texts };
}

/** The JSON object on the last line of stdout. */
export function lastLine(out: string): Record<string, unknown> {
  return JSON.parse(out.trimEnd().split('\n').at(-1)!) as Record<string, unknown>;
}
