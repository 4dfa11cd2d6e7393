/**
 * This package depends on nothing, so it carries its own error class; the shared symbol makes
 * `isPleinairError` of every other Pleinair package recognise it.
 */
const brand = Symbol.for('pleinair.error');

/** What went wrong, for programs: see {@link SchedulerError.code}. */
export type SchedulerErrorCode =
  | 'scheduler/unknown'
  | 'scheduler/config'
  | 'scheduler/unsupported'
  | 'scheduler/steps'
  | 'scheduler/operands'
  | 'random/argument';

/**
 * Every error this package throws on purpose.
 *
 * - `scheduler/unknown`: no scheduler of that name; the message lists the known ones.
 * - `scheduler/config`: a configuration value of the wrong type or outside its choices.
 * - `scheduler/unsupported`: a configuration that means something, but something not done here.
 * - `scheduler/steps`: step counts or ranges that cannot be planned.
 * - `scheduler/operands`: arrays of the wrong length or number given to `applyStep`.
 * - `random/argument`: a seed or a length a generator cannot take.
 */
export class SchedulerError extends Error {
  /** Stable identifier; switch on this, not on the message. */
  readonly code: SchedulerErrorCode;
  /** Marks instances as Pleinair's, whichever copy of the package threw them. */
  readonly [brand] = true;

  constructor(code: SchedulerErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'SchedulerError';
    this.code = code;
  }
}
