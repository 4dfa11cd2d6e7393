import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BenchReport } from '@pleinair/bench';
import { testDevice } from '@pleinair/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { slug } from '../src/output-file.js';
import { runChild } from './run-child.js';
import { runCli } from './run-cli.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pleinair-bench-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** It compiles everything anew, and what commands say is the same everywhere; the bench package's own tests run there. */
const slow = process.env['PLEINAIR_TEST_ADAPTER'] === 'swiftshader';

describe.skipIf(slow)('pleinair bench (asked of one adapter, not SwiftShader)', () => {
  it('measures a shape, prints a table and writes a report', async () => {
    const path = join(folder, 'report.json');
    const flags = ['--filter', 'one row', '--scale', 'least', '--tune', 'off', '--precision', 'f32', '--json', path];
    const { code, out, err } = await runCli('bench', 'matmul', ...flags);
    expect(code, err).toBe(0);
    const report = JSON.parse(await readFile(path, 'utf8')) as BenchReport;
    const { profile } = await testDevice();
    expect(report.adapter).toMatchObject({ name: profile.name, software: profile.isSoftware });
    expect(report.date).toMatch(/^\d{4}-\d\d-\d\d$/);
    expect(report.versions).toHaveProperty('pleinair');
    expect(report.command).toBe('pleinair bench matmul --precision f32 --scale least --tune off --filter "one row"');
    expect(report.scale).toEqual({ name: 'least', reason: 'asked for' });
    for (const peak of [report.peaks.fma, report.peaks.copy]) {
      expect(peak.best).toBeGreaterThanOrEqual(peak.median);
      expect(peak.least).toBeGreaterThan(0);
    }
    expect(report.failures).toEqual([]);
    expect(report.results).toHaveLength(1);
    const [result] = report.results;
    expect(result).toMatchObject({ suite: 'matmul', shape: 'sdxl add_embedding, one row, 1×1×1280' });
    expect(result!.flops).toBe(2 * 1280 * 1280);
    expect(result!.gflops! / (result!.flops! / result!.ms / 1e6)).toBeCloseTo(1, 2);
    expect(result!.shareOfPeak).toBeGreaterThan(0);
    expect(report.summary).toEqual({ suites: {} });
    expect(out).toMatch(/^shape +variant +ms +GFLOP\/s +of limit/m);
    expect(out).toContain(result!.shape);
    expect(err).toMatch(/fma f32 .* GFLOP\/s at best/);
    expect(err).toContain(`The report is in ${path}. It holds a part`);
  });

  it('says once which shapes there was no time for', async () => {
    const flags = ['--scale', 'least', '--tune', 'off', '--seconds', '1', '--no-file'];
    const { code, err } = await runCli('bench', 'norm', ...flags);
    expect(code).toBe(0);
    expect(err).toMatch(/Not measured: [^\n]*; [^\n]* and \d more: the time for all shapes, 1 s, was over\./);
  });

  it('ends on Ctrl-C with exit code 130, and says that nothing was measured yet', async () => {
    const args = ['bench', '--scale', 'reduced', '--tune', 'full'];
    const { code, err } = await runChild(args, { cwd: folder, interruptWhen: /reduced shapes/ });
    expect(await readdir(folder)).toEqual([]);
    expect(err).toMatch(/fma f32/);
    expect(err).toMatch(/Ended early: nothing but the adapter's limits was measured/);
    expect(code).toBe(130);
  });

  it('tells what was measured until Ctrl-C, and keeps it in a file named after the adapter', async () => {
    const args = ['bench', 'matmul', 'norm', '--scale', 'least', '--tune', 'off'];
    // Shapes are drawn on screens only: Node is told that stderr is one.
    const node = ['--import', 'data:text/javascript,process.stderr.isTTY=true'];
    const { code, out, err } = await runChild(args, { node, cwd: folder, interruptWhen: / [1-9]\d*\/\d+/ });
    expect(code).toBe(130);
    expect(err).toMatch(/Ended early: \d+ shapes? measured/);
    const [name] = await readdir(folder);
    const { profile } = await testDevice();
    expect(name).toBe(
      `${slug(profile.name)}-${process.platform}-${profile.features.shaderF16 ? 'f16' : 'f32'}-partial.json`,
    );
    expect(err).toContain(name);
    const { results } = JSON.parse(await readFile(join(folder, name!), 'utf8')) as BenchReport;
    expect(results.length).toBeGreaterThan(0);
    expect(out).toContain(results[0]!.shape);
  });

  it('names the cure where there is no adapter', async () => {
    const nowhere = join(folder, 'no-driver.json');
    const { code, err } = await runChild(['bench'], { env: { VK_DRIVER_FILES: nowhere, VK_ICD_FILENAMES: nowhere } });
    expect(code).toBe(3);
    expect(err).toMatch(/adapter/);
  });
});
