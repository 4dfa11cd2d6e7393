import {
  encodePrompts,
  memoryPolicy,
  Part,
  PartPlans,
  readPartPalettes,
  tokenizePrompts,
  type Conditioning,
  type PartUse,
  type PipelineShape,
  type TokenizedPrompts,
} from '@pleinair/diffusion';
import { PalettizeError } from '@pleinair/palettize';
import type { Device } from '@pleinair/tensor';
import type { ClipTokenizer } from '@pleinair/text';
import type { ModelSource } from '@pleinair/weights';
import { partGraph, parts as allParts, type PartName } from '../graphs.js';
import type { SdxlConfig } from '../model-config.js';
import { sdxlModel } from '../sdxl-model.js';

/**
 * Tokenizes an analysis's prompts: one chunk each, as all are run by one program.
 *
 * @throws `PalettizeError` `palettize/invalid-argument` for none, or for one that is too long.
 */
export function tokenizeAll(
  config: SdxlConfig,
  tokenizers: readonly ClipTokenizer[],
  prompts: readonly string[],
  guided: boolean,
): readonly TokenizedPrompts[] {
  if (prompts.length === 0) throw invalid('at least one prompt, got none. Name some.');
  return prompts.map((prompt, i) => {
    const tokenized = tokenizePrompts(sdxlModel(config), tokenizers, { prompt }, guided);
    if (tokenized.chunks === 1) return tokenized;
    throw invalid(
      `prompts of at most ${config.textEncoder2.maxPositions - 2} tokens, got a longer one as number ${i + 1}. Shorten it.`,
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
  how: Omit<PartUse, 'policy'>,
): Promise<readonly Conditioning[]> {
  const specs = allParts.filter(({ kind }) => kind === 'text-encoder');
  const parts = specs.map((spec) => new Part<PartName>(spec, device, { source, prefer: 'fp16' }));
  const palettesOf = await readPartPalettes(parts, how.signal);
  const record = (each: PipelineShape, name: PartName) => partGraph(config, each, name, palettesOf);
  const plans = new PartPlans<PartName>(specs, record, device.profile);
  const partOf = (name: string): Part => parts.find((part) => part.name === name)!;
  const planOf = (name: string) => plans.plan(shape, partOf(name).name as PartName);
  const use: PartUse = { ...how, policy: memoryPolicy('resident') };
  try {
    const encoded: Conditioning[] = [];
    for (const one of tokenized) encoded.push(await encodePrompts(sdxlModel(config).texts, partOf, planOf, one, use));
    return encoded;
  } finally {
    for (const each of parts) each.dispose();
  }
}

function invalid(expected: string): PalettizeError {
  return new PalettizeError('palettize/invalid-argument', `analysis: expected ${expected}`);
}
