import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { beforeEach, expect, it } from 'vitest';

// A parent as start.mjs is, away from a terminal; its child counts the SIGINTs it gets and ends on SIGTERM.
const CHILD = `let n = 0; process.on('SIGINT', () => n++); process.on('SIGTERM', () => process.exit(10 + n));
  setInterval(() => {}, 1000); console.log('ready');`;
const PARENT = `import { spawn } from 'node:child_process';
  import { forwardSignals } from ${JSON.stringify(new URL('forward-signals.mjs', import.meta.url).href)};
  const child = spawn(process.execPath, ['-e', ${JSON.stringify(CHILD)}], { stdio: 'inherit' });
  forwardSignals(child, process.env.AT_TERMINAL === '1');
  child.on('exit', (code) => process.exit(code));`;

async function run(atTerminal: boolean): Promise<number> {
  const parent = spawn(process.execPath, ['--input-type=module', '-e', PARENT], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, AT_TERMINAL: atTerminal ? '1' : '0' },
  });
  await once(parent.stdout, 'data');
  parent.kill('SIGINT');
  await new Promise((resolve) => setTimeout(resolve, 100));
  parent.kill('SIGINT');
  await new Promise((resolve) => setTimeout(resolve, 100));
  parent.kill('SIGTERM');
  const [code] = await once(parent, 'exit');
  return code;
}

beforeEach((context) => {
  if (process.platform === 'win32') context.skip('Windows has no signals that a program could pass on');
});

it('passes on one Ctrl-C that arrives twice as one', async () => {
  expect(await run(false)).toBe(11);
});

it('passes on none at a terminal, which has told the child itself', async () => {
  expect(await run(true)).toBe(10);
});
