import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root, samplesOf } from './samples.js';

/** A command that a document shows. */
export interface CommandLine {
  readonly document: string;
  /** From 1. */
  readonly line: number;
  readonly words: readonly string[];
  /** To be typed as it stands; else it names a command and some of its flags, as within a sentence or with `[…]`. */
  readonly whole: boolean;
}

const program = /^(?:pleinair|npm|npx|node|python3?) /;

/**
 * The commands of a document: all lines of its `sh` blocks, and of indented blocks and code in sentences those that begin
 * with a program of which this repository can tell what it understands.
 */
export function commandLinesOf(document: string, text = readFileSync(join(root, document), 'utf8')): CommandLine[] {
  const blocks = samplesOf(document, text)
    .filter(({ language }) => language === 'sh')
    .flatMap(({ code, line }) => code.split('\n').flatMap((one, i) => commands(document, line + i, one)));
  // Code of other languages has lines of its own that begin like programs.
  const prose = text.replace(/^```[^]*?^```$/gm, (block) => block.replace(/[^\n]/g, ''));
  const rest = prose.split('\n').flatMap((one, i) => {
    if (/^ {4}\S/.test(one)) return program.test(one.trim()) ? commands(document, i + 1, one) : [];
    const inline = [...one.matchAll(/`([^`]+)`/g)].map(([, code = '']) => code);
    return inline.filter((code) => program.test(code)).flatMap((code) => commands(document, i + 1, code, false));
  });
  return [...blocks, ...rest];
}

function commands(document: string, line: number, text: string, whole = true): CommandLine[] {
  const all = wordsOf(text);
  // A second command, set apart on the same line, as in a synopsis.
  const second = text.trim().search(/ {3,}(?=npm |npx |pleinair )/);
  if (second > 0) {
    const [first, rest] = [text.trim().slice(0, second), text.trim().slice(second).trim()];
    return [...commands(document, line, first, whole), ...commands(document, line, rest, whole)];
  }
  const found: string[][] = [[]];
  for (const word of all) {
    if (word === '&&') found.push([]);
    else found.at(-1)!.push(word);
  }
  return found
    .map((words) => words.slice(words.findIndex((word) => !/^\w+=/.test(word)) >>> 0))
    .filter((words) => words.length > 0)
    .map((words) => ({ document, line, words, whole: whole && !words.some((word) => /^[[(]|…/.test(word)) }));
}

/** Words as a shell has them, without comments; what is in brackets is one. */
function wordsOf(text: string): string[] {
  const [code = ''] = text.trim().split(/(?:^|\s+)#\s/, 1);
  const words = code.matchAll(/(?:"[^"]*"|'[^']*'|\[[^\]]*\]|\([^)]*\)|[^\s"'[(])+/g);
  return Array.from(words, ([word]) => (/^[[(]/.test(word) ? word : word.replace(/["']/g, '')));
}
