import { CancelledError, plainRows, toHalfBits, type WeightStorage } from '@pleinair/tensor';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { failureOf, floats, modelOf, safetensorsFile } from '../test/fixtures.js';
import { CollectedWeights, columns, weightsOf } from '../test/gpu-stand-in.js';
import { makeComponent, openComponent, type Component } from './component.js';
import type { TensorToWrite } from './encode.js';
import { loadWeights } from './load.js';
import { openSafetensors } from './safetensors-file.js';
import { createSource, type ModelSource } from './source.js';

// Values exact in every dtype, so that expected results need no rounding of their own.
const valueAt = (t: number, i: number) => ((i * 7 + t * 13) % 255) / 128 - 1;

async function componentOf(...files: TensorToWrite[][]) {
  const entries = await Promise.all(
    files.map(async (file, i) => [`unet/${i}.safetensors`, await safetensorsFile(file)] as const),
  );
  const source = modelOf(Object.fromEntries(entries));
  const opened = files.map((_, i) => openSafetensors(source, `unet/${i}.safetensors`));
  return makeComponent('unet', source, await Promise.all(opened));
}

describe('loadWeights', () => {
  it('gives the same bytes whatever the bands: any shapes, dtypes, layouts, files', async () => {
    const tensor = fc.record({
      shape: fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 4 }),
      dtype: fc.constantFrom('F32' as const, 'F16' as const, 'BF16' as const),
      uses: fc.uniqueArray(fc.tuple(fc.constantFrom(0, 4, 8, 12), fc.constantFrom<WeightStorage>('f16', 'f32')), {
        maxLength: 3,
        selector: ([rows, storage]) => `${rows}${storage}`,
      }),
      file: fc.integer({ min: 0, max: 1 }),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(tensor, { minLength: 1, maxLength: 8 }),
        fc.integer({ min: 16, max: 700 }),
        fc.integer({ min: 1, max: 4 }),
        async (tensors, bandBytes, readAhead) => {
          const named = tensors.map((t, i) => ({ ...t, name: `t${i}` }));
          const toWrite = named.map(({ name, shape, dtype }, t): TensorToWrite => {
            const { data: values } = floats(name, shape, (i) => valueAt(t, i));
            if (dtype === 'F32') return { name, shape, dtype, data: values };
            const words = new Uint32Array(values.buffer);
            const bits =
              dtype === 'F16' ? Uint16Array.from(values, toHalfBits) : Uint16Array.from(words, (w) => w >>> 16);
            return { name, shape, dtype, data: bits };
          });
          const component = await componentOf(
            toWrite.filter((_, i) => named[i]!.file === 0),
            toWrite.filter((_, i) => named[i]!.file === 1),
          );
          const weights = weightsOf(
            named.flatMap(({ name, shape, uses }) =>
              uses.map(([rows, storage]) => [name, shape, rows ? columns(rows) : plainRows, storage] as const),
            ),
          );
          const gpu = new CollectedWeights();
          const report = await loadWeights(weights, component, { upload: gpu.upload, bandBytes, readAhead });

          expect(gpu.complete(weights)).toBe(true);
          expect(report.leftover).toEqual(
            [...component.entries.keys()].filter((name) => !weights.some((w) => w.source.name === name)),
          );
          for (const weight of weights) {
            const { name, shape } = weight.source;
            const values = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) =>
              valueAt(
                named.findIndex((t) => t.name === name),
                i,
              ),
            );
            if (values.length === 0) continue;
            const whole = weight.storage === 'f32' ? values : Uint16Array.from(values, toHalfBits);
            const expected =
              weight.storage === 'f32'
                ? new Float32Array(weight.byteLength / 4)
                : new Uint16Array(weight.byteLength / 2);
            for (const piece of weight.layout.pack(whole, 0, shape[0] ?? 1, shape)) {
              expected.set(piece.values, piece.elementOffset);
            }
            expect(gpu.buffers.get(weight)).toEqual(expected);
          }
        },
      ),
      { numRuns: 150 },
    );
  });

  it('reads neighbours together and a large tensor in pieces, telling progress', async () => {
    const small = Array.from({ length: 100 }, (_, i) => floats(`small.${i}`, [10]));
    const component = await componentOf([...small, floats('large', [1000, 100], () => 1)]);
    const ranges: number[] = [];
    const watched: ModelSource = {
      ...component.source,
      readRange(path, start, end, options) {
        ranges.push(end - start);
        return component.source.readRange(path, start, end, options);
      },
    };
    const weights = weightsOf([
      ...small.map(({ name, shape }) => [name, shape, plainRows] as const),
      ['large', [1000, 100], plainRows],
    ]);
    const seen: number[] = [];
    const { loadedBytes } = await loadWeights(weights, through(watched, component), {
      upload: () => undefined,
      onProgress: (progress) => {
        expect(progress.totalBytes).toBe(404_000);
        seen.push(progress.loadedBytes);
      },
      bandBytes: 64_000,
    });
    expect(loadedBytes).toBe(404_000);
    expect(ranges.length).toBe(7);
    expect(Math.max(...ranges)).toBeLessThanOrEqual(64_000);
    expect(seen.at(-1)).toBe(404_000);
    expect(seen.toSorted((a, b) => a - b)).toEqual(seen);
  });

  it('waits for each upload before the next, and never writes into memory that one still holds', async () => {
    const component = await componentOf([floats('w', [64, 16])]);
    const weights = weightsOf([['w', [64, 16], plainRows, 'f32']]);
    let active = 0;
    const got = new Float32Array(64 * 16);
    await loadWeights(weights, component, {
      bandBytes: 512,
      readAhead: 3,
      async upload(_, { elementOffset, values }) {
        expect(++active).toBe(1);
        await new Promise((resolve) => setTimeout(resolve, 1));
        got.set(values, elementOffset);
        active--;
      },
    });
    expect(got).toEqual(Float32Array.from({ length: 1024 }, (_, i) => i));
  });

  it('leaves old CLIP checkpoints’ position_ids out of the leftovers', async () => {
    const ids: TensorToWrite = {
      name: 'text_model.embeddings.position_ids',
      dtype: 'I64',
      shape: [1, 2],
      data: new BigInt64Array(2),
    };
    const component = await componentOf([ids, floats('a', [4]), floats('b', [4])]);
    const load = (ignore?: RegExp[]) =>
      loadWeights(weightsOf([['a', [4], plainRows]]), component, { upload: () => undefined, ignore });
    expect((await load()).leftover).toEqual(['b']);
    expect((await load([/^b$/])).leftover).toEqual([ids.name]);
  });

  it('of nothing is done at once', async () => {
    const seen: unknown[] = [];
    const report = await loadWeights([], await componentOf([]), {
      upload: () => undefined,
      onProgress: (progress) => seen.push(progress),
    });
    expect(report).toEqual({ loadedBytes: 0, leftover: [] });
    expect(seen).toEqual([{ loadedBytes: 0, totalBytes: 0 }]);
  });
});

async function failure(weights: ReturnType<typeof weightsOf>, tensors: TensorToWrite[]) {
  let uploads = 0;
  const upload = () => void uploads++;
  const { code, message } = await failureOf(loadWeights(weights, await componentOf(tensors), { upload }));
  return { code, message, uploads };
}

/** The component read through another source. */
function through(source: ModelSource, { name, files }: Component): Component {
  return makeComponent(
    name,
    source,
    files.map(({ path, entries, metadata }) => ({ source, path, entries, metadata })),
  );
}

const refuseUploads = () => Promise.reject(new Error('no room'));

describe('a checkpoint that does not fit', () => {
  it('names what is missing', async () => {
    const wanted = ['a', 'b', 'c', 'd', 'e', 'f', 'g'].map((name) => [name, [2, 4], plainRows] as const);
    const { code, message, uploads } = await failure(weightsOf(wanted), [floats('a', [2, 4])]);
    expect(code).toBe('weights/missing-tensor');
    expect(message).toMatch(
      /unet \(unet\/0\.safetensors in the test model\): expected b \[2, 4\], c .* and 1 more, got/,
    );
    expect(uploads).toBe(0);
  });

  it('names what has another shape, with both', async () => {
    const { code, message, uploads } = await failure(
      weightsOf([
        ['a', [4], plainRows],
        ['b', [2, 4], plainRows],
      ]),
      [floats('a', [4]), floats('b', [4, 2])],
    );
    expect(code).toBe('weights/shape-mismatch');
    expect(message).toMatch(/expected b \[2, 4\], got \[4, 2\]\. Check/);
    expect(uploads).toBe(0);
  });

  it('refuses dtypes that weights do not come in', async () => {
    const { code, message } = await failure(weightsOf([['a', [1], plainRows]]), [
      { name: 'a', dtype: 'I32', shape: [1], data: new Int32Array(1) },
    ]);
    expect(code).toBe('weights/unsupported-dtype');
    expect(message).toMatch(/a: expected F32, F16 or BF16, got I32/);
  });

  it('names the tensor, value and place of what f16 cannot hold', async () => {
    const component = [floats('ok', [8]), floats('big', [100, 3], (i) => (i === 200 ? -70000 : 1))];
    const { code, message } = await failure(
      weightsOf([
        ['ok', [8], plainRows],
        ['big', [100, 3], plainRows],
      ]),
      component,
    );
    expect(code).toBe('weights/out-of-range');
    expect(message).toMatch(/big: expected values within ±65504 .*, got -70000 at element 200\./);
  });

  it('refuses a row that no band can hold', async () => {
    const source = createSource({ describe: () => 'x', size: async () => 0, readInto: async () => 0 });
    const file = { source, path: 'x.safetensors', metadata: {}, entries: new Map() };
    const shape = [2, 5_000_000];
    const entry = { name: 'wide', dtype: 'F32' as const, shape, begin: 16, end: 16 + 40_000_000, file };
    const component = { name: 'unet', source, files: [file], entries: new Map([['wide', entry]]) };
    await expect(
      loadWeights(weightsOf([['wide', shape, plainRows]]), component, { upload: () => undefined }),
    ).rejects.toMatchObject({ code: 'weights/row-too-large' });
  });
});

it('bands of a vector start at multiples of 4, whatever its layout says', async () => {
  const weights = weightsOf([['v', [103], { ...plainRows, key: 'by one', bandRows: 1 }, 'f32']]);
  const gpu = new CollectedWeights();
  await loadWeights(weights, await componentOf([floats('v', [103])]), { upload: gpu.upload, bandBytes: 42 });
  expect([...gpu.buffers.get(weights[0]!)!]).toEqual([...Array.from({ length: 103 }, (_, i) => i), 0]);
});

describe('cancel', () => {
  const weights = weightsOf([['w', [64, 16], plainRows]]);

  it.each([0, 1, 5])('after %d uploads stops the load and its reads', async (after) => {
    const component = await componentOf([floats('w', [64, 16])]);
    const controller = new AbortController();
    let uploads = 0;
    if (after === 0) controller.abort();
    const load = loadWeights(weights, component, {
      bandBytes: 256,
      signal: controller.signal,
      upload: () => {
        if (++uploads === after) controller.abort();
      },
    });
    await expect(load).rejects.toBeInstanceOf(CancelledError);
    expect(uploads).toBe(after);
  });

  it('takes effect while a read hangs', async () => {
    const inner = await componentOf([floats('w', [64, 16])]);
    const controller = new AbortController();
    const hanging: ModelSource = {
      ...inner.source,
      readRange: (_path, _start, _end, options) =>
        new Promise((_, reject) => {
          options?.signal?.addEventListener('abort', () => reject(new CancelledError('read')));
          setTimeout(() => controller.abort(), 5);
        }),
    };
    const component = through(hanging, inner);
    await expect(
      loadWeights(weights, component, { upload: () => undefined, signal: controller.signal }),
    ).rejects.toBeInstanceOf(CancelledError);
  });

  it('and failures stop reads that hang', async () => {
    const inner = await componentOf([floats('w', [64, 16])]);
    let stopped = 0;
    const hanging: ModelSource = {
      ...inner.source,
      readRange: (path, start, end, options) =>
        path === inner.files[0]!.path && start === inner.entries.get('w')!.begin
          ? inner.source.readRange(path, start, end, options)
          : new Promise((_, reject) => {
              options?.signal?.addEventListener('abort', () => {
                stopped++;
                reject(new CancelledError('read'));
              });
            }),
    };
    const load = loadWeights(weights, through(hanging, inner), { upload: refuseUploads, bandBytes: 256 });
    await expect(load).rejects.toThrow('no room');
    expect(stopped).toBe(2);
  });

  it('and failures leave no read running', async () => {
    const inner = await componentOf([floats('w', [64, 16])]);
    let running = 0;
    const slow: ModelSource = {
      ...inner.source,
      async readRange(path, start, end, options) {
        running++;
        await new Promise((resolve) => setTimeout(resolve, 3));
        running--;
        return inner.source.readRange(path, start, end, options);
      },
    };
    const component = through(slow, inner);
    await expect(
      loadWeights(weights, component, { upload: refuseUploads, bandBytes: 256, readAhead: 4 }),
    ).rejects.toThrow('no room');
    expect(running).toBe(0);
  });
});

it('loads what openComponent opens', async () => {
  const source = modelOf({ 'vae/diffusion_pytorch_model.safetensors': await safetensorsFile([floats('a', [2, 4])]) });
  const gpu = new CollectedWeights();
  const weights = weightsOf([['a', [2, 4], plainRows, 'f32']]);
  await loadWeights(weights, await openComponent(source, 'vae'), { upload: gpu.upload });
  expect([...gpu.buffers.get(weights[0]!)!]).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
});
