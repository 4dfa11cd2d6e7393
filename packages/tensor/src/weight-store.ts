import type { Device, DeviceBuffer } from './device.js';
import { ElementRanges } from './element-ranges.js';
import { PleinairError, ShapeError } from './errors.js';
import { bufferUsage } from './gpu-flags.js';
import { weightBytes } from './plan.js';
import { weightElementBytes, weightKey, type PackedPiece, type Weight } from './weight.js';

/** Bytes handed to the queue before waiting for it: what an upload may hold in host and staging memory. */
const uploadWindowBytes = 32 * 2 ** 20;

interface StoredWeight {
  readonly buffer: DeviceBuffer;
  /** What of it was uploaded, in elements. */
  readonly uploaded: ElementRanges;
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
  private disposed = false;

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

  /**
   * True once every element of the weight was uploaded, padding included, in however many calls: a load that was cancelled
   * or failed halfway leaves it false. What was uploaded stays; as equal weights have equal bytes, the rest may follow.
   */
  isFilled(weight: Weight): boolean {
    const entry = this.stored.get(weightKey(weight));
    return entry !== undefined && isWhole(entry, weight);
  }

  /**
   * Makes the buffers of these weights, zero-filled, where there are none yet. Settles when all were tried; after a
   * failure, those that were made stay until they are released or the store is disposed.
   *
   * @throws {@link OutOfMemoryError} {@link DeviceError} {@link DeviceLostError}
   * @throws {@link PleinairError} `weight/store-disposed`
   */
  async allocate(weights: Iterable<Weight>): Promise<void> {
    const outcomes = await Promise.allSettled([...weights].map((weight) => this.entry(weight)));
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
  }

  /**
   * Uploads pieces of a weight, waiting for the queue now and then so that little is held on the host whatever the size.
   *
   * @throws {@link ShapeError} `weight/bad-piece` When a piece has the wrong element type or does not fit.
   * @throws {@link PleinairError} `weight/store-disposed`; `weight/missing` when the weight is released meanwhile.
   * @throws {@link OutOfMemoryError} {@link DeviceError} {@link DeviceLostError}
   */
  async upload(weight: Weight, pieces: Iterable<PackedPiece> | AsyncIterable<PackedPiece>): Promise<void> {
    const entry = await this.entry(weight);
    for await (const { elementOffset, values } of pieces) {
      this.device.check();
      this.checkKept(weight, entry); // waiting for a piece or the queue gave others their turn
      checkPiece(weight, elementOffset, values);
      const offset = elementOffset * values.BYTES_PER_ELEMENT;
      if (values.byteLength > 0) this.device.gpu.queue.writeBuffer(entry.buffer.gpu, offset, values);
      entry.uploaded.add(elementOffset, elementOffset + values.length);
      this.pendingBytes += values.byteLength;
      if (this.pendingBytes >= uploadWindowBytes) await this.flush();
    }
  }

  /**
   * Gives a weight other bytes where it lies: its buffer stays, so programs that read it need not bind it anew. Until all
   * pieces have come, and after a failure, which releases it, the weight is missing: no run reads a mixture of both.
   * Nothing may be running that reads it; {@link Program.replaceWeight} sees to that.
   *
   * @throws As {@link upload}; {@link ShapeError} `weight/bad-piece` when pieces leave elements of it out.
   */
  async replace(weight: Weight, pieces: Iterable<PackedPiece> | AsyncIterable<PackedPiece>): Promise<void> {
    const { buffer } = await this.entry(weight);
    const replaced = { buffer, uploaded: new ElementRanges() };
    this.stored.set(weightKey(weight), replaced); // an upload under way finds its own gone, and stops
    try {
      await this.upload(weight, pieces);
      if (!isWhole(replaced, weight)) throw incomplete(weight, replaced);
    } catch (error) {
      if (this.stored.get(weightKey(weight)) === replaced) this.release([weight]);
      throw error;
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
   * @throws {@link PleinairError} `weight/missing` When it was never uploaded, only in part, or was released.
   */
  buffer(weight: Weight): GPUBuffer {
    const entry = this.stored.get(weightKey(weight));
    if (entry && isWhole(entry, weight)) return entry.buffer.gpu;
    const { count } = entry?.uploaded ?? { count: 0 };
    throw new PleinairError(
      'weight/missing',
      `${weight.source.name}: expected to be on the GPU, got ` +
        `${entry ? `${count} of its ${elementsOf(weight)} elements` : 'no buffer'}. Upload it before running.`,
    );
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

  /**
   * Frees what none of these weights is: layouts that another program's kernels wanted. Returns the bytes freed.
   */
  keepOnly(weights: Iterable<Weight>): number {
    const kept = new Set([...weights].map(weightKey));
    let freed = 0;
    for (const [key, { buffer }] of this.stored) {
      if (kept.has(key)) continue;
      this.stored.delete(key);
      this.changes++;
      freed += buffer.bytes;
      buffer.destroy();
    }
    return freed;
  }

  /** Frees everything, for good: what is still being made or uploaded is freed as it comes, and fails. */
  dispose(): void {
    this.disposed = true;
    for (const { buffer } of this.stored.values()) buffer.destroy();
    this.stored.clear();
    this.changes++;
  }

  private async entry(weight: Weight): Promise<StoredWeight> {
    this.checkUsable();
    const key = weightKey(weight);
    const stored = this.stored.get(key);
    if (stored) return stored;
    const known = this.allocating.get(key);
    if (known) return known;
    const usage = bufferUsage.storage | bufferUsage.copyDst | bufferUsage.copySrc;
    const making = this.device
      .createBuffer('weights', weightBytes(weight), usage, weight.source.name)
      .then((buffer) => {
        if (this.disposed) buffer.destroy();
        this.checkUsable();
        const entry = { buffer, uploaded: new ElementRanges() };
        this.stored.set(key, entry);
        this.changes++;
        return entry;
      })
      .finally(() => this.allocating.delete(key));
    this.allocating.set(key, making);
    return making;
  }

  private checkKept(weight: Weight, entry: StoredWeight): void {
    this.checkUsable();
    if (this.stored.get(weightKey(weight)) === entry) return;
    throw new PleinairError(
      'weight/missing',
      `${weight.source.name}: expected to stay on the GPU while it is uploaded, got released. Upload it again from its start.`,
    );
  }

  private checkUsable(): void {
    if (!this.disposed) return;
    throw new PleinairError(
      'weight/store-disposed',
      'WeightStore: expected a live store, got a disposed one. Make a new one and upload the weights to it.',
    );
  }
}

function elementsOf(weight: Weight): number {
  return weight.byteLength / weightElementBytes(weight);
}

function incomplete(weight: Weight, { uploaded }: StoredWeight): ShapeError {
  return new ShapeError(
    'weight/bad-piece',
    `${weight.source.name}: expected pieces for all its ${elementsOf(weight)} elements, got ${uploaded.count}. ` +
      'Give the whole weight; its old bytes are gone.',
  );
}

function isWhole({ uploaded }: StoredWeight, weight: Weight): boolean {
  return uploaded.count === elementsOf(weight);
}

function checkPiece(weight: Weight, elementOffset: number, values: PackedPiece['values']): void {
  const kind = values instanceof Uint16Array ? 'f16' : values instanceof Uint32Array ? 'palette' : 'f32';
  const end = (elementOffset + values.length) * values.BYTES_PER_ELEMENT;
  const expected = weight.palette ? 'palette' : weight.storage;
  const whole = kind === 'palette' || values.length % 4 === 0;
  if (kind === expected && elementOffset >= 0 && end <= weight.byteLength && whole) return;
  throw new ShapeError(
    'weight/bad-piece',
    `${weight.source.name}: expected ${expected} elements in whole vec4s within ${weight.byteLength} bytes, ` +
      `got ${values.length} ${kind} elements at ${elementOffset}. This is a bug in layout "${weight.layout.key}".`,
  );
}
