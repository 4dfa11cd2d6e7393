import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import sharp from 'sharp';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const script = fileURLToPath(new URL('../contact-sheet.mjs', import.meta.url));
const slow = process.env['PLEINAIR_TEST_ADAPTER'] === 'swiftshader';
const run = (...args: string[]) =>
  promisify(execFile)(process.execPath, [script, ...args]).then(
    ({ stderr }) => ({ code: 0, stderr }),
    (error: { code: number; stderr: string }) => ({ code: error.code, stderr: error.stderr }),
  );

/** Runs the script and presses Ctrl-C once it has written a word. */
const interrupted = (word: string, ...args: string[]) =>
  new Promise<{ code: number | null; signal: string | null; stderr: string }>((resolve) => {
    const child = spawn(process.execPath, [script, ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
    let stderr = '';
    let pressed = false;
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk.toString();
      if (pressed || !stderr.includes(word)) return;
      pressed = true;
      child.kill('SIGINT');
    });
    child.once('close', (code, signal) => resolve({ code, signal, stderr }));
  });

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'contact-sheet-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe.skipIf(slow)('the script (asked of one adapter, not SwiftShader)', () => {
  it('paints a list of prompts onto a sheet', async () => {
    const [prompts, out] = [join(folder, 'prompts.txt'), join(folder, 'sheet.webp')];
    writeFileSync(prompts, '# two\na desert at noon\na forest at night\n');
    const { code, stderr } = await run(prompts, '--out', out, '--steps', '1', '--columns', '2', '--no-captions');
    expect(code, stderr).toBe(0);
    expect(stderr).toContain('2 of 2 pictures');
    expect(await sharp(out).metadata()).toMatchObject({ format: 'webp', width: 16 + 2 * 144, height: 16 + 144 });
  });

  it('ends at Ctrl-C while the model is loaded, and leaves nothing behind', async () => {
    const prompts = join(folder, 'prompts.txt');
    writeFileSync(prompts, 'hills\n');
    const { code, signal, stderr } = await interrupted(
      'loading the model',
      prompts,
      '--out',
      join(folder, 'sheet.png'),
    );
    expect({ code, signal }, stderr).toEqual({ code: 130, signal: null });
    expect(stderr).toContain('cancelled');
    expect(readdirSync(folder)).toEqual(['prompts.txt']);
  });

  it('puts the pictures that were finished onto the sheet', async () => {
    const [prompts, out] = [join(folder, 'prompts.txt'), join(folder, 'sheet.png')];
    writeFileSync(prompts, 'hills\na sea\n');
    const { code, stderr } = await interrupted('2/2 a sea', prompts, '--out', out, '--steps', '6', '--no-captions');
    expect(code, stderr).toBe(130);
    expect(stderr).toContain('1 of 2 pictures');
    expect(await sharp(out).metadata()).toMatchObject({ format: 'png', width: 16 + 144, height: 16 + 144 });
    expect(readdirSync(folder).sort()).toEqual(['prompts.txt', 'sheet.png']);
  });

  it('says what is wrong with its arguments', async () => {
    const prompts = join(folder, 'prompts.txt');
    writeFileSync(prompts, 'hills\n');
    expect(await run(prompts, '--steps', '0')).toMatchObject({ code: 2, stderr: expect.stringContaining('--steps') });
    expect(await run(prompts, '--out', 'a.bmp')).toMatchObject({ code: 2, stderr: expect.stringContaining('--out') });
    expect(await run(join(folder, 'none'))).toMatchObject({ code: 2, stderr: expect.stringContaining('none') });
    expect(await run(prompts, '--out', join(folder, 'no', 'sheet.png'))).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^--out: expected a folder that can be written to, got .*no \(ENOENT\)/),
    });
    writeFileSync(prompts, '# nothing\n\n');
    expect(await run(prompts)).toMatchObject({ code: 2, stderr: expect.stringContaining('expected a prompt a line') });
    writeFileSync(prompts, 'hills\n');
    expect(await run(prompts, '--model', join(folder, 'nowhere'), '--out', join(folder, 'a.png'))).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/nowhere(?![^]*\n +at )/),
    });
    expect(readdirSync(folder)).toEqual(['prompts.txt']);
  });
});
