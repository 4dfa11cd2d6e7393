import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { clipFiles, readGoldens } from '../../test/goldens.js';
import { loadTokenizer, parsePrompt, promptNotation, tokenizeTogether, type Prompt } from './index.js';

/** `[text, parts]`, parts lying between BREAKs and holding `[text, weight]`: from tools/reference/prompt_weights.py. */
const goldens = JSON.parse(
  readFileSync(new URL('../../test/fixtures/prompt-weights.json', import.meta.url), 'utf8'),
) as [string, [string, number][][]][];

const clip = loadTokenizer({ ...clipFiles(), ...readGoldens('clip-ids').tokenizers.tokenizer!.files });

function partsOf(prompt: Prompt): [string, number][][] {
  const parts: [string, number][][] = [[]];
  if (typeof prompt === 'string') return [prompt === '' ? [] : [[prompt, 1]]];
  for (const piece of prompt) {
    if ('break' in piece) parts.push([]);
    else if ('text' in piece) parts.at(-1)!.push([piece.text, piece.weight ?? 1]);
    else throw new Error('no embedding was given');
  }
  return parts;
}

describe('parsePrompt', () => {
  it('reads what the reference reads', () => {
    const rounded = (parts: [string, number][][]) =>
      parts.map((part) => part.map(([text, weight]) => [text, Number(weight.toPrecision(12))]));
    const wrong = goldens
      .map(([text, expected]) => ({ text, got: rounded(partsOf(parsePrompt(text))), expected: rounded(expected) }))
      .filter(({ got, expected }) => JSON.stringify(got) !== JSON.stringify(expected));
    expect(wrong).toEqual([]);
    expect(goldens.length).toBeGreaterThan(300);
  });

  it('gives back the string where nothing is used, and where brackets are escaped', () => {
    expect(parsePrompt('a lighthouse, 4k: "wow" a\\b')).toBe('a lighthouse, 4k: "wow" a\\b');
    expect(parsePrompt('a \\(small\\) cat')).toBe('a (small) cat');
    expect(parsePrompt('(a:1) cat')).toBe('a cat');
    expect(parsePrompt('')).toBe('');
  });

  it('takes out names of embeddings, the longest first, whatever their case, but not within words', () => {
    const embeddings = new Map([
      ['style', 2],
      ['style two', 3],
      ['<cat>', 1],
    ]);
    expect(parsePrompt('in (Style Two:1.5), style; freestyle <CAT>', { embeddings })).toEqual([
      { text: 'in ' },
      { embedding: 'style two', vectors: 3, weight: 1.5 },
      { text: ', ' },
      { embedding: 'style', vectors: 2 },
      { text: '; freestyle ' },
      { embedding: '<cat>', vectors: 1 },
    ]);
    expect(parsePrompt('no names', { embeddings })).toBe('no names');
  });
});

it('writes prompts so that they are read as the same', () => {
  // White space around BREAK is nothing to the tokenizer.
  const read = (prompt: Prompt) =>
    JSON.stringify(clip.chunks(prompt).chunks.map(({ ids, weights }) => [[...ids], [...weights]]));
  const wrong = goldens
    .map(([text]) => ({ text, notation: promptNotation(parsePrompt(text)) }))
    .filter(({ text, notation }) => read(parsePrompt(notation)) !== read(parsePrompt(text)));
  expect(wrong).toEqual([]);
  expect(
    promptNotation([
      { text: 'a (b) ', weight: 1.5 },
      { embedding: 'x', vectors: 2 },
    ]),
  ).toBe('(a \\(b\\) :1.5)x');
});

describe('BREAK', () => {
  it('begins a chunk, and neither counts as a long prompt nor changes what stands before', () => {
    const { chunks, note, tokens } = clip.chunks(parsePrompt('a cat BREAK a dog'));
    expect(chunks.map((chunk) => chunk.used)).toEqual([4, 4]);
    expect(note).toBeUndefined();
    expect(tokens).toBe(4);
    expect(clip.count(parsePrompt('a cat BREAK a dog')).chunks).toEqual([4, 4]);
    expect([...chunks[0]!.ids]).toEqual([...clip.chunks('a cat').chunks[0]!.ids]);
    const [together] = tokenizeTogether([clip], [parsePrompt('a BREAK b BREAK c'), 'x']);
    expect(together!.map((prompt) => prompt.chunks.length)).toEqual([3, 3]);
  });

  it('notes a long prompt beside it', () => {
    const { note, chunks } = clip.chunks(parsePrompt(`${'word '.repeat(90)} BREAK end`));
    expect(chunks).toHaveLength(3);
    expect(note).toMatch(/91 tokens/);
  });
});

it('keeps weights with their tokens over chunks', () => {
  const { chunks } = clip.chunks(parsePrompt(`${'one '.repeat(70)}(${'two '.repeat(10)}:1.5) three`));
  const all = chunks.flatMap((chunk) => Array.from(chunk.weights));
  expect(all.filter((weight) => weight === 1.5)).toHaveLength(10);
  expect(all).toHaveLength(154);
});
