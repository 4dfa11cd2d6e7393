import type { Command } from 'commander';
import { listSchedulers, schedulerNames } from '@pleinair/schedulers';
import type { Terminal } from '../terminal.js';

/** Adds `pleinair schedulers`. */
export function addSchedulers(program: Command, terminal: Terminal): void {
  program
    .command('schedulers')
    .description('The schedulers there are: names, what a step costs, and when to use which.')
    .option('--json', 'one JSON object')
    .action((flags: { readonly json?: boolean }) => {
      const schedulers = listSchedulers();
      const classes = schedulerNames().filter((name) => name.endsWith('Scheduler'));
      if (flags.json) {
        terminal.out.write(`${JSON.stringify({ schedulers, classes })}\n`);
        return;
      }
      const rows = schedulers.map(({ name, aliases, className, evaluations, stochastic, use }) => [
        name,
        aliases[0]!,
        className.replace(/Scheduler$/, ''),
        evaluations === 1 ? '1 run' : `${evaluations} runs`,
        stochastic ? 'noise' : '',
        use,
      ]);
      const headings = ['name', 'also known as', 'diffusers class', 'a step', 'draws', 'when to use it'];
      const widths = headings.map((heading, i) => Math.max(heading.length, ...rows.map((row) => row[i]!.length)));
      const lines = [headings, ...rows].map((row) =>
        row
          .map((cell, i) => cell.padEnd(widths[i]!))
          .join('  ')
          .trimEnd(),
      );
      const spread = schedulers.filter(({ spreads }) => spreads).map(({ name }) => name);
      terminal.out.write(
        `${lines.join('\n')}\n\n` +
          'A step runs the UNet once or twice. Those that draw noise change the picture with every step more.\n' +
          'Names in AUTOMATIC1111’s or ComfyUI’s spelling and diffusers’ class names work too. Endings choose the noise levels:\n' +
          `-karras, -exponential, -beta (${spread.join(', ')}); -sgm-uniform (all).\n`,
      );
    });
}
