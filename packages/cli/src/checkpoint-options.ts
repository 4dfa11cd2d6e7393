import { Option, type Command } from 'commander';
import type { CheckpointChoices } from 'pleinair';

/** What a person may know better than a single-file checkpoint tells. */
export interface CheckpointFlags {
  readonly prediction?: 'epsilon' | 'v_prediction';
  readonly ema?: boolean;
  readonly config?: string;
}

/** Adds the options about single-file checkpoints to a command. */
export function addCheckpointOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--prediction <type>', 'of a single file: what its UNet predicts (default: told by the file)').choices(
        ['epsilon', 'v_prediction'],
      ),
    )
    .option('--ema', "of a single file: take the moving averages of the UNet's weights")
    .option('--config <folder>', 'of a single file: a folder in diffusers layout with configurations to use instead');
}

/** The flags as `openPlace` and `load` take them. */
export function checkpointChoices({ prediction, ema, config }: CheckpointFlags): CheckpointChoices {
  return { prediction, averages: ema, config };
}
