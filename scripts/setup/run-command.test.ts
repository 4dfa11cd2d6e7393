import { existsSync } from 'node:fs';
import { expect, it } from 'vitest';
import { binFile, runCommand } from './run-command.mjs';

const node = (code: string, options = {}) => runCommand(process.execPath, ['-e', code], options);

it('gives the exit code, what was printed, and stdout alone', async () => {
  const result = await node("console.log('out'); console.error('err'); process.exitCode = 3");
  expect(result).toMatchObject({ code: 3, signal: null, stdout: 'out\n' });
  expect(result.output).toContain('err\n');
});

it('says that a command cannot be started', async () => {
  const result = await runCommand('no-such-command-here', []);
  expect(result.code).toBe(127);
  expect(result.output).toContain('no-such-command-here');
});

it('ends a command that takes too long', async () => {
  const result = await node('setInterval(() => {}, 1000)', { timeoutMs: 300 });
  expect(result.signal).toBe('SIGKILL');
  expect(result.code).not.toBe(0);
});

it('shows output as it comes, leaving out what is to be hushed', async () => {
  const script = `import { runCommand } from ${JSON.stringify(new URL('run-command.mjs', import.meta.url).href)};
    const code = "console.log('kept'); console.error('chatter'); console.error('kept too')";
    await runCommand(process.execPath, ['-e', code], { show: true, hush: /^chatter/ });`;
  const { output } = await runCommand(process.execPath, ['--input-type=module', '-e', script]);
  expect(output.split('\n').filter(Boolean).sort()).toEqual(['kept', 'kept too']);
});

it("finds the file behind a package's command", () => {
  expect(existsSync(binFile('typescript', 'tsc'))).toBe(true);
  expect(existsSync(binFile('prettier'))).toBe(true);
  expect(() => binFile('typescript', 'nothing')).toThrow(/expected typescript to have the command nothing/);
});
