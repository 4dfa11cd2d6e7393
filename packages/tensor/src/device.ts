import { findAdapter, isNode, profileOf, type AdapterOptions } from './adapter.js';
import { DeviceError, DeviceLostError, OutOfMemoryError } from './errors.js';
import { MemoryLedger, type MemoryCategory } from './memory.js';
import { Pacer } from './pacer.js';
import { PipelineCache } from './pipeline-cache.js';
import type { DeviceProfile } from './profile.js';

/** How to get a device. */
export interface DeviceOptions extends AdapterOptions {
  /** Limits to report instead of the adapter's own, e.g. a small binding limit to try row bands with. */
  readonly limits?: Partial<DeviceProfile['limits']>;
  /** Features to go without although the adapter has them. */
  readonly without?: readonly (keyof DeviceProfile['features'])[];
}

/** A buffer whose bytes the device's ledger counts until it is destroyed. */
export interface DeviceBuffer {
  readonly gpu: GPUBuffer;
  readonly bytes: number;
  readonly label: string;
  destroy(): void;
}

const featureNames: Readonly<Record<keyof DeviceProfile['features'], string>> = {
  shaderF16: 'shader-f16',
  subgroups: 'subgroups',
  timestampQuery: 'timestamp-query',
  subgroupMatrix: 'chromium-experimental-subgroup-matrix',
};

/**
 * Gets a device: in browsers from `navigator.gpu`, in Node from Dawn. Asks for every feature that kernels can use and
 * for the adapter's highest limits.
 *
 * @throws {@link NoAdapterError} With the cure for the platform.
 * @throws {@link DeviceError} `device/request-failed` When the adapter refuses to make a device.
 */
export async function requestDevice(options: DeviceOptions = {}): Promise<Device> {
  const { gpu: instance, adapter } = await findAdapter(options);
  const own = profileOf(adapter);
  const features = { ...own.features };
  for (const name of options.without ?? []) features[name] = false;
  const wanted = Object.keys(featureNames) as (keyof DeviceProfile['features'])[];
  let gpu: GPUDevice;
  try {
    gpu = await adapter.requestDevice({
      label: 'pleinair',
      requiredFeatures: wanted.filter((name) => features[name]).map((name) => featureNames[name] as GPUFeatureName),
      requiredLimits: { ...own.limits },
    });
  } catch (cause) {
    throw new DeviceError(
      'device/request-failed',
      `requestDevice: expected ${own.name} to give a device, got "${String(cause)}". Close other GPU programs or tabs and try again.`,
      { cause },
    );
  }
  return new Device(gpu, { ...own, features, limits: { ...own.limits, ...options.limits } }, instance);
}

/** A GPU, what it can do, what it holds, and the pipelines built for it. */
export class Device {
  readonly gpu: GPUDevice;
  readonly profile: DeviceProfile;
  /** Settles when the device is lost, with the error that pending and later calls reject with. Never rejects. */
  readonly lost: Promise<DeviceLostError>;
  /** Bytes of every buffer made by {@link Device.createBuffer}. */
  readonly memory = new MemoryLedger();
  /** Pipelines by kernel key, shared by all programs on this device. */
  readonly pipelines: PipelineCache;
  /** What this adapter has been seen to do in a second; decides how much goes into one submission. */
  readonly pacer: Pacer;
  private loss: DeviceLostError | undefined;
  private readonly waiting = new Set<(loss: DeviceLostError) => void>();

  /**
   * @param instance - What the device came from. Held because Dawn in Node crashes when it is collected while anything is
   *   pending on the device; promises that are waited for with {@link Device.orLost} hold the device, and so this.
   */
  constructor(
    gpu: GPUDevice,
    profile: DeviceProfile,
    readonly instance?: GPU,
  ) {
    this.gpu = gpu;
    this.profile = profile;
    this.pipelines = new PipelineCache(this);
    this.pacer = new Pacer(profile, isNode());
    this.lost = gpu.lost.then(({ reason, message }) => this.lose(new DeviceLostError(reason, message)));
  }

  /**
   * Throws when the device is gone.
   *
   * @throws {@link DeviceLostError}
   */
  check(): void {
    if (this.loss) throw this.loss;
  }

  /**
   * Waits for something the GPU will do, but not longer than the device lives.
   *
   * @throws {@link DeviceLostError}
   */
  orLost<T>(work: Promise<T>): Promise<T> {
    // Not `Promise.race` with `lost`: that would keep every result alive as long as the device.
    return new Promise<T>((resolve, reject) => {
      if (this.loss) return reject(this.loss);
      this.waiting.add(reject);
      work.then(
        (value) => {
          this.waiting.delete(reject);
          resolve(value);
        },
        (error: unknown) => {
          // What a lost device's promises reject with differs by implementation, and may come before `lost` settles.
          setTimeout(() => {
            this.waiting.delete(reject);
            reject(this.loss ?? error);
          }, 20);
        },
      );
    });
  }

  /**
   * Makes a buffer, zero-filled as WebGPU promises. Calls made without waiting for one another overlap.
   *
   * @param bytes - A multiple of 4.
   * @param usage - `GPUBufferUsage` flags.
   * @param label - Names the buffer in errors.
   * @throws {@link OutOfMemoryError}
   * @throws {@link DeviceError} `device/limit` Beyond the adapter's `maxBufferSize`.
   * @throws {@link DeviceLostError}
   */
  async createBuffer(category: MemoryCategory, bytes: number, usage: number, label: string): Promise<DeviceBuffer> {
    this.check();
    const { maxBufferSize } = this.profile.limits;
    if (bytes > maxBufferSize) {
      throw new DeviceError(
        'device/limit',
        `${label}: expected at most ${maxBufferSize} bytes (this adapter's largest buffer), got ${bytes}. ` +
          'Use a smaller picture or batch, or a palettized model.',
      );
    }
    this.gpu.pushErrorScope('out-of-memory');
    this.gpu.pushErrorScope('validation');
    const gpu = this.gpu.createBuffer({ label, size: bytes, usage });
    this.memory.add(category, bytes);
    const buffer = new LedgerBuffer(gpu, bytes, label, () => this.memory.add(category, -bytes));
    const scopes = Promise.all([this.gpu.popErrorScope(), this.gpu.popErrorScope()]);
    try {
      const [invalid, outOfMemory] = await this.orLost(scopes);
      if (outOfMemory) throw new OutOfMemoryError(label, bytes);
      if (invalid) throw validationError(label, invalid);
    } catch (error) {
      buffer.destroy();
      throw error;
    }
    return buffer;
  }

  /** Frees the device and everything on it. In Node the process can then exit. Calling it again does nothing. */
  destroy(): void {
    this.lose(new DeviceLostError('destroyed', 'destroy() was called'));
    this.gpu.destroy();
  }

  private lose(loss: DeviceLostError): DeviceLostError {
    this.loss ??= loss;
    for (const reject of this.waiting) reject(this.loss);
    this.waiting.clear();
    return this.loss;
  }
}

/** A WebGPU validation error as a typed one: always a bug in what was asked of the GPU. Code `device/validation`. */
export function validationError(where: string, error: { readonly message: string }): DeviceError {
  return new DeviceError(
    'device/validation',
    `${where}: expected valid GPU commands, got "${error.message.trim()}". This is a bug in a kernel or the executor: please report it.`,
  );
}

class LedgerBuffer implements DeviceBuffer {
  private alive = true;

  constructor(
    readonly gpu: GPUBuffer,
    readonly bytes: number,
    readonly label: string,
    private readonly onDestroy: () => void,
  ) {}

  destroy(): void {
    if (!this.alive) return;
    this.alive = false;
    this.gpu.destroy();
    this.onDestroy();
  }
}
