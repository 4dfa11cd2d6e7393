import { WeightError } from '../errors.js';

/** A parsed JSON object. */
export type JsonObject = Readonly<Record<string, unknown>>;

const headWidth = 64;
const normGroups = 32;

/** Heads of an attention of this many channels, 64 to a head in every published model. */
export function headsOf(channels: number, file: string): number {
  if (channels % headWidth === 0) return channels / headWidth;
  throw untold(file, 'heads', `channels of a multiple of ${headWidth}`, channels);
}

/** Groups of a group norm: 32 in every published model. */
export function normGroupsOf(channels: number, file: string): number {
  if (channels % normGroups === 0 && channels > 0) return normGroups;
  throw untold(file, 'groups of norms', `channels of a multiple of ${normGroups}`, channels);
}

function untold(file: string, what: string, expected: string, got: number): WeightError {
  return new WeightError(
    'weights/unknown-checkpoint',
    `${file}: expected ${expected} to tell the number of ${what} by, got ${got}. Shapes do not tell it: give a folder ` +
      'with this file (config).',
  );
}
