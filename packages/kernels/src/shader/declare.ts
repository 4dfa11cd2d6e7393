import type { DeviceProfile, Tensor, Weight } from '@pleinair/tensor';
import { storageForm, type BufferDeclaration } from './storage.js';

/** Declares a tensor's buffer in the form the adapter reads; tensors always bind `read_write` (see `KernelBinding`). */
export function tensorBuffer(name: string, tensor: Tensor, profile: DeviceProfile): BufferDeclaration {
  return { name, form: storageForm(tensor.dtype, profile), access: 'read_write' };
}

/** Declares a tensor's buffer as plain 32-bit words, for scalar access: floats through `bitcast<f32>`. */
export function wordBuffer(name: string): BufferDeclaration {
  return { name, form: 'u32', access: 'read_write' };
}

/** Declares a weight's buffer. */
export function weightBuffer(name: string, weight: Weight, profile: DeviceProfile): BufferDeclaration {
  return { name, form: storageForm(weight.storage, profile), access: 'read' };
}
