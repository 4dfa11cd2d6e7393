import { encodePrompts, memoryPolicy, Part, type TextEncoding } from '@pleinair/diffusion';
import { planProgram } from '@pleinair/tensor';
import { readGolden, relativeRms, testDevice } from '@pleinair/testing';
import { readTextEncoderConfig, textEncoderGraph, type TokenChunk } from '@pleinair/text';
import { expect, it } from 'vitest';
import { limits, tinyGoldens, tinySource } from './tiny-model.js';

const ids = Int32Array.from((await tinyGoldens()).tensor('input_ids').data as Int32Array);
const goldens = await readGolden(new URL('../../testing/goldens/tiny-prompt-weights.safetensors', import.meta.url));
const weights = goldens.floats('weights');

const parts = ['text_encoder', 'text_encoder_2'] as const;
const json = (part: string) => tinySource().readJson(`${part}/config.json`) as Promise<Record<string, unknown>>;
const texts = await Promise.all(
  parts.map(async (part): Promise<TextEncoding> => ({
    part,
    tokenizer: '',
    config: readTextEncoderConfig(await json(part)),
    reads: 'first',
    pooled: part === 'text_encoder_2',
  })),
);

/** The goldens' two rows as chunks of two prompts. */
function rows(how: { readonly weighed: boolean; readonly injects: boolean }): TokenChunk[][] {
  return [0, 1].map((row) => [
    {
      ids: ids.slice(row * 77, (row + 1) * 77),
      weights: how.weighed
        ? Float32Array.from(weights.subarray(row * 77, (row + 1) * 77))
        : new Float32Array(77).fill(1),
      endPosition: 0,
      injected:
        how.injects && row === 0 ? [3, 4].map((position, index) => ({ position, embedding: 'thing', index })) : [],
      used: 77,
    },
  ]);
}

async function encoded(chunks: TokenChunk[][], injects: boolean) {
  const device = await testDevice();
  const plans = new Map(
    texts.map(({ part, config, pooled }) => {
      const graph = textEncoderGraph(config, { batch: 1, skipLayers: 1, pooled, injects, dtype: 'f32' });
      return [part, planProgram(graph, device.profile)] as const;
    }),
  );
  const made = new Map(
    parts.map((part): [string, Part] => {
      const spec = { name: part as string, kind: 'text-encoder' as const, folder: part };
      return [part, new Part(spec, device, { source: tinySource(), prefer: 'full' })];
    }),
  );
  const tokenized = { chunks: 1, ids: [chunks, chunks], unconditional: 'encoded' as const, notes: [] };
  const adapters = { vectorsOf: (_: string, part: string) => goldens.floats(`${part}.vectors`) };
  const use = { policy: memoryPolicy('low'), adapters };
  return encodePrompts(
    texts,
    (name) => made.get(name)!,
    (name) => plans.get(name)!,
    tokenized,
    use,
  );
}

/** The two encoders' goldens of a row, joined over features. */
function joined(kind: string, row: number): Float32Array {
  const [first, second] = parts.map((part) => goldens.floats(`${part}.${kind}`));
  return Float32Array.from({ length: 77 * 32 }, (_, i) => {
    const [t, c] = [Math.floor(i / 32) + row * 77, i % 32];
    return c < 12 ? first![t * 12 + c]! : second![t * 20 + c - 12]!;
  });
}

it('weighs hidden states as the reference does and puts in vectors, pooled text untouched by weights', async () => {
  const said = await encoded(rows({ weighed: true, injects: true }), true);
  const limit = limits.f32.part;
  expect(relativeRms(said.conditional.states, joined('hidden', 0))).toBeLessThan(limit);
  expect(relativeRms(said.unconditional!.states, joined('hidden', 1))).toBeLessThan(limit);
  const pooled = goldens.floats('text_encoder_2.pooled');
  expect(relativeRms(said.conditional.pooled!, pooled.subarray(0, 14))).toBeLessThan(limit);
  expect(relativeRms(said.unconditional!.pooled!, pooled.subarray(14))).toBeLessThan(limit);
  const injected = await encoded(rows({ weighed: false, injects: true }), true);
  expect(relativeRms(injected.conditional.states, joined('injected', 0))).toBeLessThan(limit);
});

it('changes no bit where no weight and no embedding is used, whether or not embeddings are loaded', async () => {
  const plain = rows({ weighed: false, injects: false });
  const [without, beside] = [await encoded(plain, false), await encoded(plain, true)];
  expect(beside.conditional).toEqual(without.conditional);
  expect(beside.unconditional).toEqual(without.unconditional);
  expect(without.conditional.states).not.toEqual(without.unconditional!.states);
});
