import { expect, it } from 'vitest';
import { load } from '../src/painter.js';

interface Header {
  readonly [name: string]: {
    readonly dtype: string;
    readonly shape: number[];
    readonly data_offsets: [number, number];
  };
}

/** Vite serves the workspace from its root, so the model and the goldens are ordinary HTTP files here. */
const root = new URL('/packages/', location.origin);

async function goldenFloats(name: string): Promise<{ values: Float32Array; metadata: Record<string, string> }> {
  const bytes = await (await fetch(new URL('testing/goldens/demo-model.safetensors', root))).arrayBuffer();
  const length = Number(new DataView(bytes).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(bytes, 8, length))) as Header;
  const [start, end] = header[name]!.data_offsets;
  return {
    values: new Float32Array(bytes.slice(8 + length + start, 8 + length + end)),
    metadata: header['__metadata__'] as unknown as Record<string, string>,
  };
}

it('the demo model loads over HTTP with range requests and gives the latents that Node gives', async () => {
  const ranges: string[] = [];
  const original = globalThis.fetch;
  globalThis.fetch = (input, init) => {
    const range = new Headers(init?.headers).get('range');
    if (range) ranges.push(range);
    return original(input, init);
  };
  try {
    const painter = await load(new URL('demo-model/model/', root), { precision: 'f32', tune: 'off' });
    const { values, metadata } = await goldenFloats('plain.latents');
    const steps: number[] = [];
    const { images } = await painter.generate({
      prompt: 'a snowy mountain under a full moon',
      seed: 7,
      steps: Number(metadata['steps']),
      guidance: Number(metadata['guidance']),
      onStep: ({ step }) => steps.push(step),
    });
    painter.dispose();
    const { latents, rgba } = images[0]!;
    let error = 0;
    let size = 0;
    for (let i = 0; i < values.length; i++) {
      error += (latents[i]! - values[i]!) ** 2;
      size += values[i]! ** 2;
    }
    expect(latents).toHaveLength(values.length);
    expect(Math.sqrt(error / size)).toBeLessThan(2e-3);
    expect(rgba).toHaveLength(4 * 128 * 128);
    expect(steps).toHaveLength(Number(metadata['steps']));
    expect(ranges.length).toBeGreaterThan(0);
  } finally {
    globalThis.fetch = original;
  }
});
