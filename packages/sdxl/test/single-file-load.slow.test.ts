import { execFile } from 'node:child_process';
import { rm, stat } from 'node:fs/promises';
import { freemem } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundledScript } from './bundled-script.js';
import { writeSdxlSingleFile } from '../../weights/test/full-size-single-file.js';

interface Report {
  readonly adapter: string;
  readonly loadedBytes: number;
  readonly bufferBytes: number;
  /** Bytes of the largest part's buffers. */
  readonly most: number;
  readonly rise: number;
  readonly seconds: number;
}

describe('SDXL base as a single file', () => {
  let folder: string;
  let script: string;
  let file: string;

  beforeAll(async () => {
    ({ folder, script } = await bundledScript('single-file-load-run'));
    file = join(folder, 'sd_xl_base_1.0.safetensors');
    await writeSdxlSingleFile(file, 'zeros');
  }, 600_000);
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it("loads from disk with at most 300 MB of host memory beyond the GPU's buffers", async (ctx) => {
    // A software adapter's buffers are host memory.
    if (freemem() < 7e9) ctx.skip(`needs 7 GB of memory, and ${(freemem() / 1e9).toFixed(1)} GB are free`);
    const { size } = await stat(file);
    const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', script, file]);
    const report = JSON.parse(stdout) as Report;
    console.log(
      `${(report.loadedBytes / 1e9).toFixed(3)} GB of ${(size / 1e9).toFixed(3)} GB in ${report.seconds.toFixed(1)} s to ` +
        `${report.adapter}: buffers ${(report.bufferBytes / 1e9).toFixed(3)} GB, at most ${(report.most / 1e9).toFixed(3)} GB ` +
        `at a time, host memory beyond them +${(report.rise / 1e6).toFixed(1)} MB`,
    );
    expect(size).toBe(6_938_040_094);
    // Half floats of all that paints: the file holds the VAE's encoder too, and what no part has.
    expect(report.loadedBytes).toBeGreaterThan(6.85e9);
    expect(report.bufferBytes / report.loadedBytes).toBeLessThan(1.001);
    expect(report.rise).toBeGreaterThan(0);
    expect(report.rise).toBeLessThan(300e6);
  }, 900_000);
});
