import type { Command } from 'commander';
import type { Terminal } from '../../terminal.js';
import { addAnalyze } from './analyze.js';
import { addApply } from './apply.js';
import { addReport } from './report.js';

/** Adds `pleinair palettize` and its sub-commands. */
export function addPalettize(program: Command, terminal: Terminal): void {
  const palettize = program
    .command('palettize')
    .description('Small weights: a few bits each, looked up in a palette for each layer.');
  addAnalyze(palettize, terminal);
  addApply(palettize, terminal);
  addReport(palettize, terminal);
}
