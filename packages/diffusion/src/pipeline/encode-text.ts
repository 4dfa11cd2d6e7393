import type { Program, ProgramPlan } from '@pleinair/tensor';
import {
  parsePrompt,
  pooledPosition,
  tokenizeTogether,
  weighStates,
  type ClipTokenizer,
  type Prompt,
  type TokenChunk,
} from '@pleinair/text';
import type { PipelineAdapters } from '../adapters/pipeline-adapters.js';
import { concat } from '../denoise/concat.js';
import type { Conditioning, TextConditioning } from '../denoise/conditioning.js';
import type { Part, PartUse } from '../parts/part.js';
import type { LatentModel, TextEncoding } from './latent-model.js';
import type { PictureRequest } from './request.js';

/** What of a request is read by text encoders. */
export type PromptRequest = Pick<
  PictureRequest,
  'prompt' | 'prompt2' | 'negativePrompt' | 'negativePrompt2' | 'promptSyntax'
>;

/** Prompt and negative prompt, encoded. */
export interface EncodedPrompts extends Conditioning {
  readonly chunks: number;
  readonly notes: readonly string[];
}

/** Prompts as token chunks for all encoders. */
export interface TokenizedPrompts {
  readonly chunks: number;
  /** `[encoder][text][chunk]`; texts are the prompt and, if it is to be encoded, the negative prompt. */
  readonly ids: readonly (readonly (readonly TokenChunk[])[])[];
  /** What stands for the unconditional half. */
  readonly unconditional: 'none' | 'zeros' | 'encoded';
  readonly notes: readonly string[];
}

/**
 * Tokenizes what has to be encoded. No negative prompt means zeros where the model was trained so.
 *
 * @param tokenizers - Of `model.texts`, in their order.
 * @param embeddings - Those that prompts may name, and how many vectors each has.
 */
export function tokenizePrompts(
  model: Pick<LatentModel, 'texts' | 'zerosForAbsentNegative'>,
  tokenizers: readonly ClipTokenizer[],
  request: PromptRequest,
  guided: boolean,
  embeddings?: ReadonlyMap<string, number>,
): TokenizedPrompts {
  const read = (prompt: Prompt): Prompt =>
    typeof prompt === 'string' && request.promptSyntax !== 'plain' ? parsePrompt(prompt, { embeddings }) : prompt;
  const { prompt, negativePrompt } = request;
  const unconditional = !guided
    ? 'none'
    : negativePrompt === undefined && model.zerosForAbsentNegative
      ? 'zeros'
      : 'encoded';
  const textsOf = ({ reads }: TextEncoding): Prompt[] => {
    const second = reads === 'second';
    const positive = second ? (request.prompt2 ?? prompt) : prompt;
    const negative = (second ? request.negativePrompt2 : undefined) ?? negativePrompt ?? '';
    return (unconditional === 'encoded' ? [positive, negative] : [positive]).map(read);
  };
  const tokenized = tokenizeTogether(tokenizers, (i) => textsOf(model.texts[i]!));
  const notes = new Set(tokenized.flat().flatMap(({ note }) => (note === undefined ? [] : [note])));
  return {
    chunks: tokenized[0]![0]!.chunks.length,
    ids: tokenized.map((row) => row.map(({ chunks }) => chunks)),
    unconditional,
    notes: [...notes],
  };
}

/**
 * Runs the text encoders in turn, chunk by chunk, weighs what they say of tokens that have weights, and joins it over
 * features and chunks.
 *
 * @param partOf - The encoder's part by its name.
 * @param planOf - Its plan for the run's shape.
 */
export async function encodePrompts(
  texts: readonly TextEncoding[],
  partOf: (name: string) => Part,
  planOf: (name: string) => ProgramPlan,
  tokenized: TokenizedPrompts,
  use: EncoderUse,
): Promise<EncodedPrompts> {
  const encoded: EncodedText[][] = [];
  for (const [i, encoding] of texts.entries()) {
    const part = partOf(encoding.part);
    encoded.push(await encodeAll(part, encoding, planOf(encoding.part), tokenized.ids[i]!, use));
  }
  const joined = encoded[0]!.map((_, text): TextConditioning => {
    const all = encoded.map((row) => row[text]!);
    return {
      states: joinFeatures(
        all.map(({ states }) => states),
        texts.map(({ config }) => config.hiddenSize),
      ),
      pooled: all.find(({ pooled }) => pooled)?.pooled,
    };
  });
  const conditional = joined[0]!;
  const { states, pooled } = conditional;
  const unconditional =
    tokenized.unconditional === 'zeros'
      ? { states: new Float32Array(states.length), pooled: pooled && new Float32Array(pooled.length) }
      : joined[1];
  return { chunks: tokenized.chunks, conditional, unconditional, notes: tokenized.notes };
}

/** How text encoders are used. */
export interface EncoderUse extends PartUse {
  /** Gives the vectors of embeddings that prompts name. */
  readonly adapters?: Pick<PipelineAdapters, 'vectorsOf'>;
}

interface EncodedText {
  readonly states: Float32Array<ArrayBuffer>;
  readonly pooled?: Float32Array<ArrayBuffer>;
}

async function encodeAll(
  part: Part,
  encoding: TextEncoding,
  plan: ProgramPlan,
  texts: readonly (readonly TokenChunk[])[],
  use: EncoderUse,
): Promise<EncodedText[]> {
  return part.use(plan, use, async (program) => {
    await part.ready(program, 'encode', use);
    const results: EncodedText[] = [];
    for (const [i, chunks] of texts.entries()) {
      // Layers are skipped of the prompt only, as diffusers does; the graph then has both.
      const output =
        i > 0 && plan.graph.names.has('hidden_states_unskipped') ? 'hidden_states_unskipped' : 'hidden_states';
      results.push(await encodeChunks(program, part, encoding, chunks, output, use));
    }
    return results;
  });
}

async function encodeChunks(
  program: Program,
  part: Part,
  { pooled: projects, config }: TextEncoding,
  chunks: readonly TokenChunk[],
  output: string,
  use: EncoderUse,
): Promise<EncodedText> {
  const states: Float32Array[] = [];
  let pooled: Float32Array<ArrayBuffer> | undefined;
  for (const chunk of chunks) {
    const { ids, weights } = chunk;
    program.write('input_ids', Uint32Array.from(ids));
    writeInjected(program, part.name, chunk, config.hiddenSize, use);
    if (projects) program.write('pooled_positions', Uint32Array.of(pooledPosition(config, ids)));
    await program.run('encode', part.running(use));
    states.push(weighStates((await program.read(output)) as Float32Array, weights));
    if (projects) pooled ??= (await program.read('text_embeds')) as Float32Array<ArrayBuffer>;
  }
  return { states: concat(states), pooled };
}

/** Vectors that stand in place of tokens. The inputs are there only where embeddings were loaded. */
function writeInjected(
  program: Program,
  part: string,
  { ids, injected }: TokenChunk,
  width: number,
  { adapters }: EncoderUse,
): void {
  if (!program.plan.graph.names.has('injected')) {
    for (const { embedding } of injected) adapters?.vectorsOf(embedding, part); // throws: none was loaded
    return;
  }
  const mask = new Uint32Array(ids.length);
  const vectors = new Float32Array(ids.length * width);
  for (const { position, embedding, index } of injected) {
    mask[position] = 1;
    const values = adapters!.vectorsOf(embedding, part);
    vectors.set(values.subarray(index * width, (index + 1) * width), position * width);
  }
  program.write('injected', mask);
  program.write('injected_vectors', vectors);
}

/** Rows of several tables, one after another: `[tokens, width]` each, into `[tokens, all widths]`. */
function joinFeatures(tables: readonly Float32Array[], widths: readonly number[]): Float32Array<ArrayBuffer> {
  const width = widths.reduce((sum, each) => sum + each, 0);
  const tokens = tables[0]!.length / widths[0]!;
  const out = new Float32Array(tokens * width);
  let column = 0;
  tables.forEach((table, i) => {
    const own = widths[i]!;
    for (let t = 0; t < tokens; t++) out.set(table.subarray(t * own, (t + 1) * own), t * width + column);
    column += own;
  });
  return out;
}
