import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { heldOutPrompts, modelPath } from '@pleinair/demo-model';
import { checkAttributes, matches } from '@pleinair/demo-model/checker';
import { load } from 'pleinair';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCli } from './run-cli.js';

const widths = [8, 6, 4] as const;
const prompts = heldOutPrompts.filter((_, i) => i % 20 === 0);

interface Painted {
  readonly pictures: readonly Uint8ClampedArray[];
  /** How many show every attribute asked for. */
  readonly right: number;
}

let folder: string;
const painted = new Map<string, Painted>();

async function paint(model: string): Promise<Painted> {
  const painter = await load(model, { tune: 'off', memory: 'resident' });
  try {
    const pictures: Uint8ClampedArray[] = [];
    let right = 0;
    for (const [i, { prompt, attributes }] of prompts.entries()) {
      const [picture] = (await painter.generate({ prompt, seed: 1000 + i })).images;
      const { rgba, width, height } = picture!;
      pictures.push(rgba);
      if (matches(attributes, checkAttributes(rgba, width, height))) right++;
    }
    return { pictures, right };
  } finally {
    painter.dispose();
  }
}

/** Peak signal to noise of two pictures' colours, in dB. */
function psnr(a: Uint8ClampedArray, b: Uint8ClampedArray): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i]! - b[i]!) ** 2; // alpha is 255 in both
  return 10 * Math.log10((255 * 255 * a.length * 0.75) / Math.max(sum, 1));
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pleinair-palettized-pictures-'));
  painted.set('original', await paint(modelPath));
  for (const bits of widths) {
    const out = join(folder, String(bits));
    expect((await runCli('palettize', 'apply', 'demo', out, '--bits', String(bits))).code).toBe(0);
    painted.set(String(bits), await paint(out));
  }
}, 3_600_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('pictures of the demo model, its UNet and text encoders palettized', () => {
  it('are nearer to the original the more bits there are', () => {
    const { pictures: original } = painted.get('original')!;
    const means = widths.map((bits) => {
      const each = painted.get(String(bits))!.pictures.map((picture, i) => psnr(picture, original[i]!));
      return each.reduce((sum, db) => sum + db, 0) / each.length;
    });
    const told = widths.map(
      (bits, i) => `${bits} bits ${means[i]!.toFixed(1)} dB, ${painted.get(String(bits))!.right} right`,
    );
    console.log(`${prompts.length} prompts, ${painted.get('original')!.right} right as trained; ${told.join('; ')}`);
    expect(means[0]).toBeGreaterThan(means[1]!);
    expect(means[1]).toBeGreaterThan(means[2]!);
  });

  it('show what was asked for as often, at 8 and at 6 bits', () => {
    const { right } = painted.get('original')!;
    expect(right).toBeGreaterThan(0.8 * prompts.length);
    for (const bits of [8, 6]) expect(painted.get(String(bits))!.right, `${bits} bits`).toBeGreaterThanOrEqual(right);
  });
});
