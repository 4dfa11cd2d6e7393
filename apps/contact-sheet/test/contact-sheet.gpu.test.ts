import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
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

  it('says what is wrong with its arguments', async () => {
    const prompts = join(folder, 'prompts.txt');
    writeFileSync(prompts, 'hills\n');
    expect(await run(prompts, '--steps', '0')).toMatchObject({ code: 2, stderr: expect.stringContaining('--steps') });
    expect(await run(prompts, '--colour', 'red')).toMatchObject({ code: 2 });
    expect(await run(prompts, '--out', 'a.bmp')).toMatchObject({ code: 2, stderr: expect.stringContaining('--out') });
    expect(await run(join(folder, 'none'))).toMatchObject({ code: 2, stderr: expect.stringContaining('none') });
  });
});
