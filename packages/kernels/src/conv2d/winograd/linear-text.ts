import type { RationalMatrix } from './cook-toom.js';
import { isZero, equal, negated, rational, toNumber, type Rational } from './rational.js';

/** Straight-line WGSL of `outputs = matrix · inputs` over `vec4<f32>` values. */
export interface LinearText {
  /** `let` statements, in order. */
  readonly lines: readonly string[];
  /** Names of the results, one a row. */
  readonly outputs: readonly string[];
  /** Arithmetic on one element: a multiply-add counts 2. */
  readonly flops: number;
}

interface Term {
  readonly factor: Rational;
  readonly value: string;
}

interface Pair {
  readonly first: number;
  readonly second: number;
}

const one = rational(1);
const minusOne = rational(-1);

/**
 * Writes a constant matrix out as sums: zeros vanish, ±1 are additions. Two columns that differ only in sign are added and
 * subtracted once for all rows; two rows that differ only in sign share the two halves of their sum. Transforms from points
 * that come in pairs ±a are full of both.
 *
 * @param inputs - A name or expression for each column; expressions should be names, as they may appear twice.
 * @param prefix - Names of results and of what is shared begin with it.
 */
export function linearText(matrix: RationalMatrix, inputs: readonly string[], prefix: string): LinearText {
  const lines: string[] = [];
  let flops = 0;
  const define = (name: string, expression: string, cost: number): string => {
    lines.push(`let ${name} = ${expression};`);
    flops += cost;
    return name;
  };
  const rows: Term[][] = matrix.map(() => []);
  const columnPairs = pairsOf(transposed(matrix));
  const paired = new Set(columnPairs.flatMap(({ first, second }) => [first, second]));
  inputs.forEach((value, column) => {
    if (paired.has(column)) return;
    matrix.forEach((row, i) => rows[i]!.push({ factor: row[column]!, value }));
  });
  columnPairs.forEach(({ first, second }, i) => {
    const [a, b] = [inputs[first]!, inputs[second]!];
    const sum = define(`${prefix}_s${i}`, `${a} + ${b}`, 1);
    const difference = define(`${prefix}_d${i}`, `${a} - ${b}`, 1);
    matrix.forEach((row, r) => {
      const same = equal(row[first]!, row[second]!);
      rows[r]!.push({ factor: row[first]!, value: same ? sum : difference });
    });
  });
  const outputs = Array.from({ length: matrix.length }, () => '');
  const write = (name: string, terms: readonly Term[]): string => {
    const { text, cost } = sumText(terms);
    return define(name, text, cost);
  };
  const values = [...new Set(rows.flatMap((row) => row.map(({ value }) => value)))];
  const rowPairs = pairsOf(rows.map((terms) => alignedFactors(terms, values)));
  rowPairs.forEach(({ first, second }, i) => {
    const others = new Map(rows[second]!.map(({ value, factor }) => [value, factor]));
    const same = rows[first]!.filter(({ value, factor }) => equal(factor, others.get(value)!));
    const opposite = rows[first]!.filter((term) => !same.includes(term));
    const even = write(`${prefix}_e${i}`, same);
    const odd = write(`${prefix}_o${i}`, opposite);
    outputs[first] = define(`${prefix}${first}`, `${even} + ${odd}`, 1);
    outputs[second] = define(`${prefix}${second}`, `${even} - ${odd}`, 1);
  });
  rows.forEach((terms, r) => {
    outputs[r] ||= write(`${prefix}${r}`, terms);
  });
  return { lines, outputs, flops };
}

/**
 * Pairs of vectors that agree but for signs, some entries being equal and some opposite: each vector in one pair at most,
 * and only where sharing saves work.
 */
function pairsOf(vectors: RationalMatrix): Pair[] {
  const pairs: Pair[] = [];
  const used = new Set<number>();
  vectors.forEach((a, first) => {
    if (used.has(first)) return;
    for (let second = first + 1; second < vectors.length; second++) {
      if (used.has(second)) continue;
      const b = vectors[second]!;
      if (!a.every((value, i) => equal(value, b[i]!) || equal(value, negated(b[i]!)))) continue;
      const entries = a.map((value, i) => [value, b[i]!] as const).filter(([value]) => !isZero(value));
      const same = entries.filter(([value, other]) => equal(value, other)).length;
      if (entries.length < 3 || same === 0 || same === entries.length) continue;
      pairs.push({ first, second });
      used.add(first).add(second);
      break;
    }
  });
  return pairs;
}

/** A row's factors over all values that any row has, so that rows can be compared entry by entry. */
function alignedFactors(terms: readonly Term[], values: readonly string[]): Rational[] {
  const factors = new Map(terms.map(({ value, factor }) => [value, factor]));
  return values.map((value) => factors.get(value) ?? rational(0));
}

function sumText(all: readonly Term[]): { text: string; cost: number } {
  const terms = all.filter(({ factor }) => !isZero(factor));
  // A factor of one first: it begins the sum without a multiplication.
  const start = terms.findIndex(({ factor }) => equal(factor, one));
  const [head, ...rest] = start > 0 ? [terms[start]!, ...terms.slice(0, start), ...terms.slice(start + 1)] : terms;
  if (!head) return { text: 'vec4<f32>()', cost: 0 };
  let text = head.value;
  let cost = 0;
  if (equal(head.factor, minusOne)) text = `-${head.value}`;
  else if (!equal(head.factor, one)) [text, cost] = [`${number(head.factor)} * ${head.value}`, 1];
  for (const { factor, value } of rest) {
    if (equal(factor, one)) [text, cost] = [`${text} + ${value}`, cost + 1];
    else if (equal(factor, minusOne)) [text, cost] = [`${text} - ${value}`, cost + 1];
    else [text, cost] = [`fma(vec4<f32>(${number(factor)}), ${value}, ${text})`, cost + 2];
  }
  return { text, cost };
}

function number(factor: Rational): string {
  const text = String(toNumber(factor));
  return text.includes('.') || text.includes('e') ? text : `${text}.0`;
}

function transposed(matrix: RationalMatrix): RationalMatrix {
  return (matrix[0] ?? []).map((_, j) => matrix.map((row) => row[j]!));
}
