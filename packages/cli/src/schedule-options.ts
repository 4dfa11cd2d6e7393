import { InvalidArgumentError, type Command } from 'commander';
import { numberFrom } from './options.js';

/** What `generate` is told of noise levels. */
export interface ScheduleFlags {
  readonly eta?: number;
  readonly timesteps?: readonly number[];
  readonly sigmas?: readonly number[] | 'align-your-steps';
}

/** Adds these flags to a command. */
export function addScheduleOptions(command: Command): Command {
  return command
    .option('--eta <share>', 'how random steps are: of DDIM (default: 0), the γ of TCD (default: 0.3)', numberFrom(0))
    .option('--timesteps <t,t,…>', 'the timesteps themselves, noisiest first, one a step', numbers)
    .option(
      '--sigmas <σ,σ,…,0>',
      "the noise levels themselves, one more than steps; or align-your-steps: its authors' for so many --steps",
      (text: string) => (text === 'align-your-steps' ? text : numbers(text)),
    );
}

function numbers(text: string): number[] {
  const values = text.split(',').map((each) => (each.trim() === '' ? Number.NaN : Number(each)));
  if (values.some((value) => !Number.isFinite(value))) {
    throw new InvalidArgumentError(`expected numbers with commas between them, got "${text}".`);
  }
  return values;
}
