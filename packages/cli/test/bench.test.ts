import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ReportFile } from '../src/report-file.js';
import { runCli } from './run-cli.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pleinair-bench-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('pleinair bench says what is wrong before any GPU is asked', () => {
  it('a suite that there is not: lists those that there are', async () => {
    const { code, out, err } = await runCli('bench', 'convolution');
    expect(code).toBe(2);
    expect(out).toBe('');
    expect(err).toBe(
      'bench: expected suites among matmul, conv, attention, norm, activation, palettized, or ops for all but palettized, got "convolution". Check the name.\n',
    );
  });

  it('a name that no shape has', async () => {
    const { code, err } = await runCli('bench', 'norm', '--filter', 'nowhere');
    expect(code).toBe(2);
    expect(err).toMatch(/expected --filter to hold part of a shape's name, got "nowhere"/);
  });

  it('a size, precision or tuning that there is not', async () => {
    for (const flags of [
      ['--scale', 'tiny'],
      ['--precision', 'bf16'],
      ['--tune', 'yes'],
    ]) {
      expect((await runCli('bench', ...flags)).code).toBe(2);
    }
  });

  it('a place for a report that is to be none', async () => {
    const { code, err } = await runCli('bench', '--json', join(folder, 'x.json'), '--no-file');
    expect(code).toBe(2);
    expect(err).toMatch(/--no-file.*--json|--json.*--no-file/);
  });

  it('a report file that is a folder, or lies beneath a file', async () => {
    const isFolder = await runCli('bench', '--json', folder);
    expect(isFolder.code).toBe(6);
    expect(isFolder.err).toMatch(
      /^--json: expected a file that can be written, got a folder at .*\. Name another place\./,
    );
    await writeFile(join(folder, 'file'), 'x');
    const beneath = await runCli('bench', '--json', join(folder, 'file', 'report.json'));
    expect(beneath.code).toBe(6);
    expect(beneath.err).toMatch(/ENOTDIR|EEXIST/);
    expect(await readFile(join(folder, 'file'), 'utf8')).toBe('x');
  });
});

describe('a report file', () => {
  it('is made with its folder, is replaced whole, and leaves nothing beside it', async () => {
    const file = await ReportFile.open(join(folder, 'deep', 'er', 'report.json'));
    expect(await readdir(join(folder, 'deep', 'er'))).toEqual([]);
    await file.write({ one: 1 });
    await file.write({ two: [2] });
    expect(JSON.parse(await readFile(file.path, 'utf8'))).toEqual({ two: [2] });
    expect(await readdir(join(folder, 'deep', 'er'))).toEqual(['report.json']);
  });

  it('never takes the place of another where nobody named it', async () => {
    const wanted = join(folder, 'gpu-linux-f16.json');
    await (await ReportFile.openNew(wanted)).write({ run: 1 });
    const second = await ReportFile.openNew(wanted);
    await second.write({ run: 2 });
    expect(second.path).toBe(join(folder, 'gpu-linux-f16-2.json'));
    expect(JSON.parse(await readFile(wanted, 'utf8'))).toEqual({ run: 1 });
  });

  it('says how to go without where the default cannot be written', async () => {
    await writeFile(join(folder, 'file'), 'x');
    await expect(ReportFile.openNew(join(folder, 'file', 'report.json'))).rejects.toThrow(
      /^without --json FILE or --no-file: expected a file that can be written, got .* Name another place\.$/,
    );
  });

  it('keeps what was there when its place is gone', async () => {
    const file = await ReportFile.open(join(folder, 'a', 'report.json'));
    await rm(join(folder, 'a'), { recursive: true });
    await expect(file.write({})).rejects.toMatchObject({ code: 'output/unwritable' });
    await mkdir(join(folder, 'a'));
    expect(await readdir(join(folder, 'a'))).toEqual([]);
  });
});
