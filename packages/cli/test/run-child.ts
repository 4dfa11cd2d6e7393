import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { withoutTuning } from './run-cli.js';

const entry = fileURLToPath(new URL('../dist/bin.js', import.meta.url));

/** How a child process is run. */
export interface ChildOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Flags of Node itself, before the program. */
  readonly node?: readonly string[];
  /** The folder it stands in. */
  readonly cwd?: string;
  /** Sends Ctrl-C's signal when the text of stderr so far matches, once. */
  readonly interruptWhen?: RegExp;
}

/** What a child process did. */
export interface ChildResult {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
  /** From the signal to the end; undefined where no signal was sent. */
  readonly msAfterInterrupt?: number;
}

/** Runs the built command in a process of its own; without tuning, as `runCli`. */
export function runChild(args: readonly string[], options: ChildOptions = {}): Promise<ChildResult> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [...(options.node ?? []), entry, ...withoutTuning(args)], {
      env: { ...process.env, ...options.env },
      cwd: options.cwd,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let out = '';
    let err = '';
    let interrupted: number | undefined;
    child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => {
      err += chunk.toString();
      if (interrupted !== undefined || !options.interruptWhen?.test(err)) return;
      interrupted = performance.now();
      child.kill('SIGINT');
    });
    child.on('close', (code) => {
      const msAfterInterrupt = interrupted === undefined ? undefined : performance.now() - interrupted;
      resolve({ code, out, err, msAfterInterrupt });
    });
  });
}
