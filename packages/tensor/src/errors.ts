/**
 * Every error Pleinair throws on purpose. `code` is stable and is what programs should switch on; `message` reads
 * `where: expected X, got Y. What to do.` for people.
 */
const brand = Symbol.for('pleinair.error');

/** Base class of all typed errors. Recognise it with {@link isPleinairError}, which also works across duplicate installs. */
export class PleinairError extends Error {
  /** Stable identifier, e.g. `device/no-adapter` or `shape/mismatch`. */
  readonly code: string;
  /** Marks instances for {@link isPleinairError}; the symbol is shared by every copy of this module in a process. */
  readonly [brand] = true;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
  }
}

/** True for any Pleinair error, whichever copy of the package threw it. */
export function isPleinairError(value: unknown): value is PleinairError {
  return typeof value === 'object' && value !== null && (value as { [brand]?: unknown })[brand] === true;
}

/** Sizes, dtypes or arguments of an operation that cannot fit together. Code `shape/…`. */
export class ShapeError extends PleinairError {}

/** No adapter, a missing feature, a limit exceeded, out of memory or a lost device. Code `device/…`. */
export class DeviceError extends PleinairError {}

/** The device was lost in mid-run (driver reset, tab evicted, GPU unplugged). Ask for a new one and load again. */
export class DeviceLostError extends DeviceError {
  constructor(reason: string, message: string) {
    super(
      'device/lost',
      `device: lost (${reason}${message ? `: ${message}` : ''}). Request a new device and load the model again.`,
    );
  }
}

/** An allocation failed on the GPU. */
export class OutOfMemoryError extends DeviceError {
  constructor(what: string, bytes: number) {
    super(
      'device/out-of-memory',
      `${what}: the adapter could not allocate ${(bytes / 1e6).toFixed(1)} MB. ` +
        'Use a smaller picture, memory mode "low", or a palettized model.',
    );
  }
}

/** No WebGPU adapter on this machine. The message says what to install or switch on, for the platform it runs on. */
export class NoAdapterError extends DeviceError {
  constructor(reason: string, cure: string) {
    super('device/no-adapter', `requestDevice: expected a WebGPU adapter, got none (${reason}). ${cure}`);
  }
}

/** A kernel's text did not compile, or its pipeline could not be built. `kernel` names it. Code `kernel/compile`. */
export class KernelError extends PleinairError {
  /** The kernel's name, e.g. `matmul/tiled`. */
  readonly kernel: string;

  constructor(kernel: string, details: string) {
    super(
      'kernel/compile',
      `${kernel}: expected a kernel this adapter compiles, got:\n${details}\n` +
        'This is a bug in the kernel or the driver: report it with the adapter that `pleinair doctor` shows.',
    );
    this.kernel = kernel;
  }
}

/** The caller's `AbortSignal` fired. Nothing was left half-written. */
export class CancelledError extends PleinairError {
  constructor(what: string) {
    super('cancelled', `${what}: cancelled.`);
  }
}

/** Throws {@link CancelledError} when the signal has fired. */
export function throwIfCancelled(signal: AbortSignal | undefined, what: string): void {
  if (signal?.aborted) throw new CancelledError(what);
}
