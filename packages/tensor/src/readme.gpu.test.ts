import { build } from 'esbuild';
import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const here = fileURLToPath(new URL('.', import.meta.url));

/** Runs a module in a Node process of its own, with this package bundled in from source. */
async function runInNode(code: string): Promise<{ exit: number | null; output: string }> {
  const { outputFiles } = await build({
    stdin: { contents: code, resolveDir: here },
    bundle: true,
    platform: 'node',
    format: 'esm',
    write: false,
    alias: { '@pleinair/tensor': `${here}index.ts` },
  });
  const child = spawn(process.execPath, ['--input-type=module', '-'], { cwd: here, timeout: 60_000 });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stdin.end(outputFiles[0]!.text);
  const exit = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return { exit, output };
}

test('the README’s example runs, and its process ends by itself', async () => {
  const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8');
  const code = /```js\n([\s\S]*?)```/.exec(readme)![1]!;
  const { exit, output } = await runInNode(code);
  expect(output).toMatch(/\b2, +4, +6, +8, +10, +12\b/);
  expect(exit).toBe(0);
});

test('a process that drops its device without destroying it ends as well', async () => {
  const { exit, output } = await runInNode(`
    import { requestDevice } from '@pleinair/tensor';
    console.log('adapter:', (await requestDevice()).profile.name);
  `);
  expect(output).toMatch(/adapter: \S/);
  expect(exit).toBe(0);
});
