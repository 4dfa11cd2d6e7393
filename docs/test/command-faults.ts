import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { CommanderError, type Command } from 'commander';
import { readOptions } from '../../bench/options.js';
import { commandLine } from '../../packages/cli/src/program.js';
import type { CommandLine } from './command-lines.js';
import { root } from './samples.js';

interface Manifest {
  readonly name: string;
  readonly private?: boolean;
  readonly scripts?: Readonly<Record<string, string>>;
  readonly bin?: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

/**
 * What is wrong with a command of a document, in words: a script, package, file, command or flag that there is not, or an
 * argument that is missing. Nothing is run.
 */
export async function faultOf(line: CommandLine): Promise<string | undefined> {
  const [program = '', ...args] = line.words;
  if (program === 'pleinair') return pleinairFault(args, line.whole);
  if (program === 'npm') return npmFault(args, line);
  if (program === 'npx') return npxFault(args, line);
  if (program === 'node' || /^python3?$/.test(program)) return fileFault(args, line);
  // Of Python's own tools only what is set up before a model is trained.
  if (program === '.') return undefined;
  if (program === 'pip') return args[1] === '-r' && isThere(args[2]!, line) ? undefined : 'a file of requirements';
  return `${program}: expected a program whose commands are checked. Teach docs/test/command-faults.ts to check it.`;
}

async function npmFault([what = '', ...args]: readonly string[], line: CommandLine): Promise<string | undefined> {
  if (what === 'ci') return undefined;
  if (what === 'install') return args.map((name) => packageFault(name)).find((fault) => fault !== undefined);
  const [script = '', ...rest] = what === 'run' ? args : [what, ...args];
  if (what !== 'run' && !['start', 'test'].includes(what)) return `npm ${what}: expected a command of npm`;
  const dashes = rest.indexOf('--');
  const [own, passed] = dashes < 0 ? [rest, []] : [rest.slice(0, dashes), rest.slice(dashes + 1)];
  const workspace = own[0] === '-w' ? own[1] : undefined;
  const manifest = workspace === undefined ? manifestIn(root) : manifests().find(({ name }) => name === workspace);
  if (!manifest) return `expected a workspace, got ${workspace}`;
  if (own.length > (workspace === undefined ? 0 : 2))
    return `expected -- before what is the script's, got ${own.join(' ')}`;
  if (!manifest.scripts?.[script]) return `expected a script of ${manifest.name}, got ${script}`;
  if (workspace !== undefined) return undefined;
  if (script === 'pleinair') return pleinairFault(passed, line.whole && dashes >= 0);
  if (script === 'start') return pleinairFault(['generate', ...passed], line.whole && passed.length > 0);
  if (script === 'bench' && line.whole && passed[0] !== 'palettize') return benchFault(passed);
  return undefined;
}

async function npxFault([name = '', ...args]: readonly string[], line: CommandLine): Promise<string | undefined> {
  const own = manifests().find((manifest) => manifest.name === name);
  if (own) {
    return Object.keys(own.bin ?? {})[0] === 'pleinair' ? pleinairFault(args, line.whole) : `${name} has no command`;
  }
  const tools = readdirSync(join(root, 'node_modules', '.bin'));
  return tools.includes(name) ? undefined : `expected a command of an installed package, got ${name}`;
}

/** A file to be run, that it is there, and that it knows the flags. */
function fileFault(args: readonly string[], line: CommandLine): string | undefined {
  const [file = '', ...rest] = args;
  if (file === '-m') return undefined;
  if (!isThere(file, line)) {
    // What a script of the repository writes is not there yet.
    const writers = readdirSync(join(root, 'scripts')).filter((name) => name.endsWith('.mjs'));
    const made = writers.some((name) => readFileSync(join(root, 'scripts', name), 'utf8').includes(basename(file)));
    return made ? undefined : `expected a file, got ${file}`;
  }
  const text = readFileSync(whereIs(file, line)!, 'utf8');
  const flags = rest.filter((word) => word.startsWith('--')).map((word) => word.slice(2).split('=')[0]!);
  const unknown = flags.find((flag) => !new RegExp(`\\b${flag}\\b`).test(text));
  return unknown && `expected flags of ${file}, got --${unknown}`;
}

function whereIs(file: string, { document }: CommandLine): string | undefined {
  // What is carried to another machine is named as it lies there.
  return [root, join(root, dirname(document)), join(root, 'tools', 'reference')]
    .map((folder) => join(folder, file))
    .find((path) => existsSync(path));
}

function isThere(file: string, line: CommandLine): boolean {
  return whereIs(file, line) !== undefined;
}

/** Packages that people are told to install: those of this repository that are published, and what it depends on. */
function packageFault(name: string): string | undefined {
  const known = manifests().some(
    ({ name: own, private: hidden, dependencies, devDependencies }) =>
      (own === name && !hidden) || name in { ...dependencies, ...devDependencies },
  );
  return known ? undefined : `expected a published package, got ${name}`;
}

function manifests(): Manifest[] {
  return ['packages', 'apps'].flatMap((parent) =>
    readdirSync(join(root, parent))
      .filter((folder) => existsSync(join(root, parent, folder, 'package.json')))
      .map((folder) => manifestIn(join(root, parent, folder))),
  );
}

function manifestIn(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest;
}

function benchFault(args: readonly string[]): string | undefined {
  try {
    readOptions(args);
    return undefined;
  } catch (error) {
    return String(error);
  }
}

/** Reads a command line as `pleinair` does, up to where something would be done. */
async function pleinairFault(args: readonly string[], whole: boolean): Promise<string | undefined> {
  let said = '';
  const quiet = { write: (text: string) => (said += text) };
  const program = commandLine({ out: quiet, err: quiet } as never);
  if (!whole) return fragmentFault(program, args);
  let reached = false;
  for (const command of leavesOf(program)) command.action(() => void (reached = true));
  try {
    await program.parseAsync([...args], { from: 'user' });
    return reached ? undefined : `expected a command, got ${args.join(' ')}`;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // Helps and versions end like errors.
    return error.exitCode === 0 ? undefined : said.trim() || error.message;
  }
}

function leavesOf(command: Command): Command[] {
  return command.commands.length === 0 ? [command] : command.commands.flatMap(leavesOf);
}

/** Of a command in a sentence: that there is such a command, and that it has these flags. */
function fragmentFault(program: Command, args: readonly string[]): string | undefined {
  let at = program;
  let rest = args;
  for (;;) {
    const [word] = rest;
    const next = at.commands.find((command) => command.name() === word);
    if (!next) break;
    [at, rest] = [next, rest.slice(1)];
  }
  if (at === program && rest[0] && !rest[0].startsWith('-')) return `expected a command, got ${rest[0]}`;
  const flags = rest.flatMap((word) => word.match(/(?<![\w-])--[a-z][\w-]*/g) ?? []);
  const known = new Set(['--help', ...at.options.map(({ long }) => long), ...(at === program ? ['--version'] : [])]);
  const unknown = flags.find((flag) => !known.has(flag));
  return unknown && `expected flags of ${at.name()}, got ${unknown}`;
}
