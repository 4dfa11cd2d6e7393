// `npm run dev` serves Studio and `npm run docs` the site, from sources, until Ctrl-C.
import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { afterEach, expect, it } from 'vitest';
import { root } from '../../scripts/setup/workspace.mjs';

const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  scripts: Readonly<Record<string, string>>;
};

let child: ChildProcess | undefined;
let ended: Promise<unknown> | undefined;
afterEach(async () => {
  child?.kill('SIGTERM');
  await ended;
});

/** Starts a command of the root's `package.json`, gives the address it says it serves, and a way to press Ctrl-C. */
async function serve(name: string, ...args: string[]): Promise<{ address: string; stop: () => Promise<unknown> }> {
  const [program, ...rest] = scripts[name]!.split(' ');
  expect(program).toBe('node');
  // What vitest sets for its workers is none of the command's.
  const { NODE_OPTIONS: _, VITEST: __, NODE_ENV: ___, ...env } = process.env;
  const started = spawn(process.execPath, [...rest, ...args], { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] });
  child = started;
  ended = new Promise((resolve) => started.once('close', (code, signal) => resolve(signal ?? code)));
  let said = '';
  const address = new Promise<string>((resolve, reject) => {
    const read = (chunk: Buffer): void => {
      said += stripVTControlCharacters(chunk.toString());
      const found = /Local:\s+(http:\/\/\S+:\d+)/.exec(said);
      if (found) resolve(found[1]!);
    };
    started.stdout.on('data', read);
    started.stderr.on('data', read);
    started.once('close', () => reject(new Error(`${name} ended:\n${said}`)));
  });
  return {
    address: await address,
    stop: () => {
      started.kill('SIGINT');
      return ended!;
    },
  };
}

const textOf = async (address: string): Promise<string> => {
  const response = await fetch(address, { headers: { accept: 'text/html,*/*' } });
  expect(response.status, address).toBe(200);
  return response.text();
};

it('npm run dev serves Studio', async () => {
  const { address, stop } = await serve('dev', '--port', '0');
  const page = await textOf(`${address}/`);
  expect(page).toMatch(/<title>[^<]*Studio/);
  const entry = /<script type="module" src="(\/src\/[^"]+)"/.exec(page)?.[1];
  expect(await textOf(address + entry)).toContain('import');
  expect(await stop()).toBe('SIGINT');
});

it('npm run docs serves the site', async () => {
  const { address, stop } = await serve('docs', 'dev', '--port', '0');
  expect(await textOf(`${address}/`)).toContain('<div id="app">');
  // What the shell asks for: a page as a module.
  expect(await textOf(`${address}/guide/getting-started.md`)).toContain('npm install pleinair');
  expect(await stop()).toBe('SIGINT');
});
