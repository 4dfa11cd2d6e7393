import type { Command } from 'commander';
import type { Terminal } from '../../terminal.js';
import { addApply } from './apply.js';

/** Adds `pleinair palettize` and its sub-commands. */
export function addPalettize(program: Command, terminal: Terminal): void {
  const palettize = program
    .command('palettize')
    .description('Small weights: a few bits each, looked up in a palette for each layer.');
  addApply(palettize, terminal);
}
