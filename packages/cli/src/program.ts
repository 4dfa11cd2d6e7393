import { Command, CommanderError } from 'commander';
import { isPleinairError } from '@pleinair/tensor';
import { addBench } from './commands/bench.js';
import { addConvert } from './commands/convert.js';
import { addDoctor } from './commands/doctor.js';
import { addGenerate } from './commands/generate.js';
import { addModels } from './commands/models.js';
import { addPalettize } from './commands/palettize/index.js';
import { addPlan } from './commands/plan.js';
import { addSchedulers } from './commands/schedulers.js';
import { addTune } from './commands/tune.js';
import { exitCodeOf } from './exit-code.js';
import type { Terminal } from './terminal.js';
import { version } from './version.js';

/** The command line with all its commands. Those report their own outcome. */
export function commandLine(terminal: Terminal): Command {
  const program = new Command('pleinair')
    .description('Stable Diffusion XL on your own GPU, through WebGPU.')
    .version(version)
    .showHelpAfterError('(--help lists what there is)')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void terminal.out.write(text),
      writeErr: (text) => void terminal.err.write(text),
    });
  addGenerate(program, terminal);
  addDoctor(program, terminal);
  addConvert(program, terminal);
  addPlan(program, terminal);
  addPalettize(program, terminal);
  addTune(program, terminal);
  addModels(program, terminal);
  addSchedulers(program, terminal);
  addBench(program, terminal);
  for (const command of program.commands) command.exitOverride().copyInheritedSettings(program);
  return program;
}

/**
 * Runs the command line and returns its exit code: 0 done, 2 wrong usage, 130 cancelled, others as
 * {@link exitCodeOf} says. Never throws for what a user can mend.
 *
 * @param args - Arguments after the program's name.
 */
export async function run(
  args: readonly string[],
  terminal: Terminal = { out: process.stdout, err: process.stderr },
): Promise<number> {
  // Commander's errors and ours become exit codes here and nowhere else.
  try {
    await commandLine(terminal).parseAsync([...args], { from: 'user' });
    return 0;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    const text = error instanceof Error ? error.message : String(error);
    terminal.err.write(
      isPleinairError(error)
        ? `${text}\n`
        : `pleinair: unexpected failure: ${error instanceof Error ? (error.stack ?? text) : text}\n`,
    );
    return exitCodeOf(error);
  }
}
