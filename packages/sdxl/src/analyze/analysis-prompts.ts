import { Part, readPartPalettes, type Conditioning, type PartUse, type PipelineShape } from '@pleinair/diffusion';
import { PalettizeError } from '@pleinair/palettize';
import type { Device } from '@pleinair/tensor';
import type { ClipTokenizer } from '@pleinair/text';
import type { ModelSource } from '@pleinair/weights';
import { encodePrompts, tokenizePrompts, type TokenizedPrompts } from '../encode-text.js';
import { partFolders, partGraph } from '../graphs.js';
import type { SdxlConfig } from '../model-config.js';

/**
 * Tokenizes an analysis's prompts: one chunk each, as all are run by one program.
 *
 * @throws `PalettizeError` `palettize/invalid-argument` for none, or for one that is too long.
 */
export function tokenizeAll(
  config: SdxlConfig,
  tokenizers: readonly [ClipTokenizer, ClipTokenizer],
  prompts: readonly string[],
  guided: boolean,
): readonly TokenizedPrompts[] {
  if (prompts.length === 0) throw invalid('at least one prompt, got none. Name some.');
  return prompts.map((prompt, i) => {
    const tokenized = tokenizePrompts(config, tokenizers, prompt, undefined, guided);
    if (tokenized.chunks === 1) return tokenized;
    throw invalid(
      `prompts of at most ${config.textEncoder.maxPositions - 2} tokens, got a longer one as number ${i + 1}. Shorten it.`,
    );
  });
}

/** Encodes prompts, then frees both text encoders. They run in f16, whatever the UNet does. */
export async function encodeAll(
  source: ModelSource,
  device: Device,
  config: SdxlConfig,
  shape: PipelineShape,
  tokenized: readonly TokenizedPrompts[],
  use: PartUse,
): Promise<readonly Conditioning[]> {
  const part = <Name extends 'text_encoder' | 'text_encoder_2'>(name: Name): Part<Name> =>
    new Part(name, device, { source, folder: partFolders[name], mode: 'resident', prefer: 'fp16' });
  const parts = { text_encoder: part('text_encoder'), text_encoder_2: part('text_encoder_2') };
  const palettesOf = await readPartPalettes(Object.values(parts), use.signal);
  try {
    const record = (each: PipelineShape, name: keyof typeof partFolders) =>
      partGraph(config, each, name, name in parts ? (one) => palettesOf(one as keyof typeof parts) : undefined);
    const encoded: Conditioning[] = [];
    for (const one of tokenized) encoded.push(await encodePrompts(config, parts, record, shape, one, use));
    return encoded;
  } finally {
    for (const each of Object.values(parts)) each.dispose();
  }
}

function invalid(expected: string): PalettizeError {
  return new PalettizeError('palettize/invalid-argument', `analysis: expected ${expected}`);
}
