import { ShapeError, storageName, type DeviceProfile, type Tensor, type Weight } from '@pleinair/tensor';
import { storageForm, type BufferDeclaration } from './storage.js';

/** Declares a tensor's buffer in the form the adapter reads; tensors always bind `read_write` (see `KernelBinding`). */
export function tensorBuffer(name: string, tensor: Tensor, profile: DeviceProfile): BufferDeclaration {
  return { name, form: storageForm(tensor.dtype, profile), access: 'read_write' };
}

/** Declares a tensor's buffer as plain 32-bit words, for scalar access: floats through `bitcast<f32>`. */
export function wordBuffer(name: string): BufferDeclaration {
  return { name, form: 'u32', access: 'read_write' };
}

/**
 * Declares the buffer of a weight of floats.
 *
 * @throws ShapeError `weight/palettized` when it is palettized: such are read as words, by the loader that decodes them.
 */
export function weightBuffer(name: string, weight: Weight, profile: DeviceProfile): BufferDeclaration {
  if (weight.palette) {
    throw new ShapeError(
      'weight/palettized',
      `${weight.source.name}: expected floats, got ${storageName(weight)}. Products, convolutions and token embeddings read palettized weights; apply the recipe without this tensor.`,
    );
  }
  return { name, form: storageForm(weight.storage, profile), access: 'read' };
}
