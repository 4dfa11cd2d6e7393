import { DeviceError, ShapeError } from './errors.js';
import type { GraphNode } from './graph-node.js';
import type { BoundTensor, BoundWeight, Dispatch } from './kernel.js';
import type { DeviceProfile } from './profile.js';
import { tensorBytes, type Tensor } from './tensor.js';

/** Storage buffers a kernel may bind: WebGPU's guaranteed `maxStorageBuffersPerShaderStage`. */
const maxStorageBuffers = 8;

/** The bytes of a binding: the range asked for, or all that is left of the tensor or weight, but at least one vec4. */
export function boundBytes(bound: BoundTensor | BoundWeight): number {
  const whole = 'tensor' in bound ? tensorBytes(bound.tensor) : bound.weight.byteLength;
  return bound.byteLength ?? Math.max(whole - (bound.byteOffset ?? 0), 16);
}

/**
 * Checks one dispatch against what was declared of its node and against the profile, so that a mistake in a kernel is
 * found by planning, without a GPU, and with the node's name.
 *
 * @param rootOf - The tensor whose storage a tensor has taken over, or itself.
 * @throws {@link ShapeError} `graph/bad-dispatch` For mistakes of the kernel's author.
 * @throws {@link DeviceError} `device/limit` For what this profile cannot bind or dispatch.
 */
export function checkDispatch(
  dispatch: Dispatch,
  node: GraphNode,
  scratch: readonly Tensor[],
  profile: DeviceProfile,
  rootOf: (tensor: Tensor) => Tensor,
): void {
  const { kernel, bindings, uniforms, workgroups } = dispatch;
  const where = `${node.label} (${kernel.name})`;
  const bad = (expected: string, got: string): ShapeError =>
    new ShapeError('graph/bad-dispatch', `${where}: expected ${expected}, got ${got}. This is a bug in the kernel.`);

  if (bindings.length !== kernel.bindings.length) {
    throw bad(`${kernel.bindings.length} bindings`, String(bindings.length));
  }
  if (bindings.length > maxStorageBuffers) {
    throw bad(`at most ${maxStorageBuffers} storage buffers a kernel`, String(bindings.length));
  }
  if ((uniforms?.byteLength ?? 0) !== kernel.uniformBytes || kernel.uniformBytes % 16 !== 0) {
    throw bad(
      `${kernel.uniformBytes} bytes of uniforms, a multiple of 16`,
      `${uniforms?.byteLength ?? 0} bytes of uniforms`,
    );
  }
  const { maxComputeWorkgroupsPerDimension, maxStorageBufferBindingSize, minStorageBufferOffsetAlignment } =
    profile.limits;
  for (const count of workgroups) {
    if (!Number.isInteger(count) || count < 0) throw bad('whole numbers of workgroups', workgroups.join(' × '));
    if (count > maxComputeWorkgroupsPerDimension) {
      throw new DeviceError(
        'device/limit',
        `${where}: expected at most ${maxComputeWorkgroupsPerDimension} workgroups a dimension, got ${workgroups.join(' × ')}. Use a smaller picture.`,
      );
    }
  }

  const spans = new Map<Tensor, [number, number][]>();
  bindings.forEach((bound, i) => {
    const { name, access } = kernel.bindings[i]!;
    const isTensor = 'tensor' in bound;
    const what = isTensor ? bound.tensor.name : bound.weight.source.name;
    const offset = bound.byteOffset ?? 0;
    const bytes = boundBytes(bound);
    if (access !== (isTensor ? 'read_write' : 'read')) {
      throw bad(`${name} to bind ${isTensor ? 'a tensor read_write' : 'a weight read'}`, access);
    }
    const declared = isTensor
      ? node.inputs.includes(bound.tensor) || node.outputs.includes(bound.tensor) || scratch.includes(bound.tensor)
      : node.weights.some(({ source }) => source.name === bound.weight.source.name);
    if (!declared) throw bad(`${name} to bind what the node declares`, `"${what}"`);
    if (offset % minStorageBufferOffsetAlignment !== 0) {
      throw bad(`${name} at a multiple of ${minStorageBufferOffsetAlignment} bytes`, `offset ${offset}`);
    }
    const whole = Math.max(16, isTensor ? tensorBytes(bound.tensor) : bound.weight.byteLength);
    if (offset < 0 || bytes <= 0 || bytes % 4 !== 0 || offset + bytes > whole) {
      throw bad(`${name} within the ${whole} bytes of "${what}"`, `${bytes} bytes at ${offset}`);
    }
    if (bytes > maxStorageBufferBindingSize) {
      throw new DeviceError(
        'device/limit',
        `${where}: expected "${what}" to be bound ${maxStorageBufferBindingSize} bytes at most at a time (this adapter's limit), got ${bytes}. ` +
          'Use a smaller picture or batch, or f16 precision.',
      );
    }
    if (!isTensor) return;
    const storage = rootOf(bound.tensor);
    const taken = spans.get(storage) ?? [];
    if (taken.some(([start, end]) => offset < end && start < offset + bytes)) {
      throw bad(`"${what}" to be bound once, or in ranges that do not overlap`, `${name} overlapping another binding`);
    }
    taken.push([offset, offset + bytes]);
    spans.set(storage, taken);
  });
}
