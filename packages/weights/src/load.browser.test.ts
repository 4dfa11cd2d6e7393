import { plainRows } from '@pleinair/tensor';
import { expect, it } from 'vitest';
import { floats, modelOf, safetensorsFile } from '../test/fixtures.js';
import { CollectedWeights, weightsOf } from '../test/gpu-stand-in.js';
import { openComponent } from './component.js';
import { httpSource } from './http-source.js';
import { loadWeights } from './load.js';
import type { ModelSource } from './source.js';

const checkpoint = [floats('a', [200, 48]), floats('b', [7]), floats('c', [300, 40])];

async function loaded(source: ModelSource): Promise<number[][]> {
  const weights = weightsOf(checkpoint.map(({ name, shape }) => [name, shape, plainRows, 'f32']));
  const gpu = new CollectedWeights();
  await loadWeights(weights, await openComponent(source, 'unet'), { upload: gpu.upload, bandBytes: 10_000 });
  return checkpoint.map(({ data }, i) => [...gpu.buffers.get(weights[i]!)!].slice(0, data.length));
}

const expected = checkpoint.map(({ data }) => [...data]);

it('loads from Blobs in a browser', async () => {
  const source = modelOf({ 'unet/model.safetensors': await safetensorsFile(checkpoint) });
  expect(await loaded(source)).toEqual(expected);
});

it.each([{ ranges: true }, { ranges: false }])('loads over HTTP in a browser, ranges: $ranges', async ({ ranges }) => {
  const file = await safetensorsFile(checkpoint);
  // The page's own fetch and streams, fed from an object URL: only the status and the cut are made here.
  const url = URL.createObjectURL(new Blob([file]));
  const source = httpSource('/models/it', {
    async fetch(input, init) {
      if (!new Request(input).url.endsWith('/models/it/unet/model.fp16.safetensors'))
        return new Response('', { status: 404 });
      const range = ranges ? /bytes=(\d+)-(\d*)/.exec(new Headers(init?.headers).get('Range') ?? '') : null;
      const whole = await fetch(url, { signal: init?.signal ?? null });
      if (!range) return whole;
      const [first, last] = [Number(range[1]), Number(range[2] || file.length - 1)];
      const body = new Response((await whole.blob()).slice(first, last + 1)).body;
      return new Response(body, { status: 206, headers: { 'Content-Range': `bytes ${first}-${last}/${file.length}` } });
    },
  });
  expect(await loaded(source)).toEqual(expected);
  URL.revokeObjectURL(url);
});
