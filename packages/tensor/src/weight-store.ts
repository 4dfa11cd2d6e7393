import type { Device, DeviceBuffer } from './device.js';
import { PleinairError, ShapeError } from './errors.js';
import { bufferUsage } from './gpu-flags.js';
import { weightBytes } from './plan.js';
import type { PackedPiece, Weight } from './weight.js';

/** Bytes handed to the queue before waiting for it: what an upload may hold in host and staging memory. */
const uploadWindowBytes = 32 * 2 ** 20;

interface StoredWeight {
  readonly buffer: DeviceBuffer;
  /** False until a first piece came. */
  filled: boolean;
}

/** Identifies a weight across graphs of the same component: same tensor, layout and storage, same bytes. */
export function weightKey({ source, layout, storage }: Weight): string {
  return `${source.name}|${layout.key}|${storage}`;
}

/**
 * The weights of one component on a device, each in a buffer of its own. Programs that differ in picture size or batch
 * can share one store, so that weights are uploaded once.
 */
export class WeightStore {
  private readonly stored = new Map<string, StoredWeight>();
  private readonly allocating = new Map<string, Promise<StoredWeight>>();
  private pendingBytes = 0;
  private changes = 0;

  constructor(readonly device: Device) {}

  /** Bytes of all buffers in the store. */
  get bytes(): number {
    let sum = 0;
    for (const { buffer } of this.stored.values()) sum += buffer.bytes;
    return sum;
  }

  /** Bytes of the buffers of these weights, as far as they are there. */
  bytesOf(weights: Iterable<Weight>): number {
    let sum = 0;
    for (const weight of weights) sum += this.stored.get(weightKey(weight))?.buffer.bytes ?? 0;
    return sum;
  }

  /** Rises whenever a buffer comes or goes, so that users of buffers know when theirs are stale. */
  get generation(): number {
    return this.changes;
  }

  /** True once the weight has a buffer and some of its elements were uploaded. */
  isFilled(weight: Weight): boolean {
    return this.stored.get(weightKey(weight))?.filled ?? false;
  }

  /**
   * Makes the buffers of these weights, zero-filled, where there are none yet.
   *
   * @throws {@link OutOfMemoryError} {@link DeviceError} {@link DeviceLostError}
   */
  async allocate(weights: Iterable<Weight>): Promise<void> {
    await Promise.all([...weights].map((weight) => this.entry(weight)));
  }

  /**
   * Uploads pieces of a weight, waiting for the queue now and then so that little is held on the host whatever the size.
   *
   * @throws {@link ShapeError} `weight/bad-piece` When a piece has the wrong element type or does not fit.
   * @throws {@link OutOfMemoryError} {@link DeviceError} {@link DeviceLostError}
   */
  async upload(weight: Weight, pieces: Iterable<PackedPiece> | AsyncIterable<PackedPiece>): Promise<void> {
    const entry = await this.entry(weight);
    for await (const { elementOffset, values } of pieces) {
      this.device.check();
      checkPiece(weight, elementOffset, values);
      const offset = elementOffset * values.BYTES_PER_ELEMENT;
      if (values.byteLength > 0) this.device.gpu.queue.writeBuffer(entry.buffer.gpu, offset, values);
      entry.filled = true;
      this.pendingBytes += values.byteLength;
      if (this.pendingBytes >= uploadWindowBytes) await this.flush();
    }
  }

  /** Waits until everything uploaded has left host memory. */
  async flush(): Promise<void> {
    this.pendingBytes = 0;
    this.device.gpu.queue.submit([]);
    await this.device.orLost(this.device.gpu.queue.onSubmittedWorkDone());
  }

  /**
   * The buffer of a weight.
   *
   * @throws {@link PleinairError} `weight/missing` When it was never uploaded, or was released.
   */
  buffer(weight: Weight): GPUBuffer {
    const entry = this.stored.get(weightKey(weight));
    if (!entry?.filled) {
      throw new PleinairError(
        'weight/missing',
        `${weight.source.name}: expected to be on the GPU, got ${entry ? 'a buffer nothing was uploaded to' : 'no buffer'}. Upload it before running.`,
      );
    }
    return entry.buffer.gpu;
  }

  /** Frees the weights that the predicate takes, and says how many bytes that gave back. They can be uploaded again. */
  release(weights: Iterable<Weight>, predicate: (weight: Weight) => boolean = () => true): number {
    let freed = 0;
    for (const weight of weights) {
      const key = weightKey(weight);
      const entry = this.stored.get(key);
      if (!entry || !predicate(weight)) continue;
      this.stored.delete(key);
      this.changes++;
      freed += entry.buffer.bytes;
      entry.buffer.destroy();
    }
    return freed;
  }

  /** Frees everything. */
  dispose(): void {
    for (const { buffer } of this.stored.values()) buffer.destroy();
    this.stored.clear();
    this.changes++;
  }

  private entry(weight: Weight): Promise<StoredWeight> {
    const key = weightKey(weight);
    const stored = this.stored.get(key);
    if (stored) return Promise.resolve(stored);
    const known = this.allocating.get(key);
    if (known) return known;
    const usage = bufferUsage.storage | bufferUsage.copyDst | bufferUsage.copySrc;
    const making = this.device
      .createBuffer('weights', weightBytes(weight), usage, weight.source.name)
      .then((buffer) => {
        const entry = { buffer, filled: weight.byteLength === 0 };
        this.stored.set(key, entry);
        this.changes++;
        return entry;
      })
      .finally(() => this.allocating.delete(key));
    this.allocating.set(key, making);
    return making;
  }
}

function checkPiece(weight: Weight, elementOffset: number, values: PackedPiece['values']): void {
  const kind = values instanceof Uint16Array ? 'f16' : 'f32';
  const end = (elementOffset + values.length) * values.BYTES_PER_ELEMENT;
  if (kind === weight.storage && elementOffset >= 0 && end <= weight.byteLength && values.length % 4 === 0) return;
  throw new ShapeError(
    'weight/bad-piece',
    `${weight.source.name}: expected ${weight.storage} elements in whole vec4s within ${weight.byteLength} bytes, ` +
      `got ${values.length} ${kind} elements at ${elementOffset}. This is a bug in layout "${weight.layout.key}".`,
  );
}
