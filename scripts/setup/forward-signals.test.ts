import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { beforeEach, expect, it } from 'vitest';

/** Counts the SIGINTs it gets and ends on SIGTERM. */
const COUNTING = `let n = 0; process.on('SIGINT', () => n++); process.on('SIGTERM', () => process.exit(10 + n));
  setInterval(() => {}, 1000); console.log('ready');`;

/** A parent as start.mjs is, and its child, running. */
async function started(child: string, options: { atTerminal: boolean; patienceMs?: number }): Promise<ChildProcess> {
  const text = `import { spawn } from 'node:child_process';
  import { forwardSignals } from ${JSON.stringify(new URL('forward-signals.mjs', import.meta.url).href)};
  const child = spawn(process.execPath, ['-e', ${JSON.stringify(child)}], { stdio: 'inherit' });
  forwardSignals(child, ${JSON.stringify(options)});
  child.on('exit', (code) => process.exit(code));`;
  const parent = spawn(process.execPath, ['--input-type=module', '-e', text], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(parent.stdout, 'data');
  return parent;
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function run(atTerminal: boolean): Promise<number> {
  const parent = await started(COUNTING, { atTerminal });
  parent.kill('SIGINT');
  await pause(100);
  parent.kill('SIGINT');
  await pause(100);
  parent.kill('SIGTERM');
  const [code] = (await once(parent, 'exit')) as [number];
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

it('waits for a child that has results to tell, and no longer once a person insists', async () => {
  // Deaf to Ctrl-C, as one that compiles shaders.
  const deaf = `process.on('SIGINT', () => {}); setInterval(() => {}, 1000); console.log('ready');`;
  const msUntilKilled = async (presses: number): Promise<number> => {
    const parent = await started(deaf, { atTerminal: false, patienceMs: 8000 });
    const began = performance.now();
    for (let press = 0; press < presses; press++) {
      if (press > 0) await pause(1100); // further apart than an echo
      parent.kill('SIGINT');
    }
    await once(parent, 'exit');
    return performance.now() - began;
  };
  const [patient, insisting] = await Promise.all([msUntilKilled(1), msUntilKilled(2)]);
  expect(patient).toBeGreaterThan(7900);
  expect(insisting).toBeLessThan(patient - 2000);
}, 30_000);
