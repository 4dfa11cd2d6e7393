import type { Conditioning, Part, PartForm, PartUse, TextConditioning } from '@pleinair/diffusion';
import type { Program } from '@pleinair/tensor';
import { pooledPosition, tokenizeTogether, type ClipTokenizer, type TokenChunk } from '@pleinair/text';
import type { PartName, PipelineShape } from './graphs.js';
import type { SdxlConfig } from './model-config.js';

/** Prompt and negative prompt, encoded. */
export interface EncodedPrompts extends Conditioning {
  readonly chunks: number;
  readonly notes: readonly string[];
}

/** Prompts as token chunks for both encoders. */
export interface TokenizedPrompts {
  readonly chunks: number;
  /** `[encoder][text][chunk]`; texts are the prompt and, if it is to be encoded, the negative prompt. */
  readonly ids: readonly (readonly (readonly TokenChunk[])[])[];
  /** What stands for the unconditional half. */
  readonly unconditional: 'none' | 'zeros' | 'encoded';
  readonly notes: readonly string[];
}

/** Tokenizes what has to be encoded. No negative prompt means zeros where the model was trained so. */
export function tokenizePrompts(
  config: SdxlConfig,
  tokenizers: readonly [ClipTokenizer, ClipTokenizer],
  prompt: string,
  negativePrompt: string | undefined,
  guided: boolean,
): TokenizedPrompts {
  const unconditional = !guided
    ? 'none'
    : negativePrompt === undefined && config.forceZerosForEmptyPrompt
      ? 'zeros'
      : 'encoded';
  const texts = unconditional === 'encoded' ? [prompt, negativePrompt ?? ''] : [prompt];
  const tokenized = tokenizeTogether(tokenizers, texts);
  const notes = new Set(tokenized.flat().flatMap(({ note }) => (note === undefined ? [] : [note])));
  return {
    chunks: tokenized[0]![0]!.chunks.length,
    ids: tokenized.map((row) => row.map(({ chunks }) => chunks)),
    unconditional,
    notes: [...notes],
  };
}

/** Runs both text encoders, chunk by chunk, and joins what they say over features and chunks. */
export async function encodePrompts(
  config: SdxlConfig,
  parts: { readonly text_encoder: Part<PartName>; readonly text_encoder_2: Part<PartName> },
  form: PartForm<PartName>,
  shape: PipelineShape,
  tokenized: TokenizedPrompts,
  use: PartUse,
): Promise<EncodedPrompts> {
  const first = await encodeAll(parts.text_encoder, config, form, shape, tokenized.ids[0]!, use);
  const second = await encodeAll(parts.text_encoder_2, config, form, shape, tokenized.ids[1]!, use);
  const texts = first.map(({ states }, i): TextConditioning => {
    const widths = [config.textEncoder.hiddenSize, config.textEncoder2.hiddenSize] as const;
    return { states: joinFeatures(states, second[i]!.states, ...widths), pooled: second[i]!.pooled! };
  });
  const conditional = texts[0]!;
  const unconditional =
    tokenized.unconditional === 'zeros'
      ? { states: new Float32Array(conditional.states.length), pooled: new Float32Array(conditional.pooled!.length) }
      : texts[1];
  return { chunks: tokenized.chunks, conditional, unconditional, notes: tokenized.notes };
}

interface EncodedText {
  readonly states: Float32Array<ArrayBuffer>;
  readonly pooled?: Float32Array<ArrayBuffer>;
}

async function encodeAll(
  part: Part<PartName>,
  config: SdxlConfig,
  form: PartForm<PartName>,
  shape: PipelineShape,
  texts: readonly (readonly TokenChunk[])[],
  use: PartUse,
): Promise<EncodedText[]> {
  return part.use(
    shape.precision,
    () => form(shape, part.name),
    use,
    async (program) => {
      await part.ready(program, 'encode', use);
      const results: EncodedText[] = [];
      for (const chunks of texts) results.push(await encodeChunks(program, part, config, chunks, use));
      return results;
    },
  );
}

async function encodeChunks(
  program: Program,
  part: Part<PartName>,
  config: SdxlConfig,
  chunks: readonly TokenChunk[],
  use: PartUse,
): Promise<EncodedText> {
  const projects = part.name === 'text_encoder_2';
  const states: Float32Array[] = [];
  let pooled: Float32Array<ArrayBuffer> | undefined;
  for (const { ids } of chunks) {
    program.write('input_ids', Uint32Array.from(ids));
    if (projects) program.write('pooled_positions', Uint32Array.of(pooledPosition(config.textEncoder2, ids)));
    await program.run('encode', part.running(use));
    states.push((await program.read('hidden_states')) as Float32Array);
    if (projects) pooled ??= (await program.read('text_embeds')) as Float32Array<ArrayBuffer>;
  }
  const joined = new Float32Array(states.reduce((sum, part_) => sum + part_.length, 0));
  states.reduce((at, chunk) => (joined.set(chunk, at), at + chunk.length), 0);
  return { states: joined, pooled };
}

function joinFeatures(a: Float32Array, b: Float32Array, widthA: number, widthB: number): Float32Array<ArrayBuffer> {
  const tokens = a.length / widthA;
  const out = new Float32Array(tokens * (widthA + widthB));
  for (let t = 0; t < tokens; t++) {
    out.set(a.subarray(t * widthA, (t + 1) * widthA), t * (widthA + widthB));
    out.set(b.subarray(t * widthB, (t + 1) * widthB), t * (widthA + widthB) + widthA);
  }
  return out;
}
