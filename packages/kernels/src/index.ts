export { linear, linearWeight, type LinearOptions } from './matmul/linear.js';
export { geglu } from './matmul/geglu.js';
export { conv2d, convWeight, type Conv2dOptions } from './conv2d/conv2d.js';
export type { NormOnLoad } from './conv2d/conv-input.js';
export { convLayout, linearLayout } from './product/layout.js';
export type { Activation } from './shader/activation.js';
export { storageForm, type StorageForm } from './shader/storage.js';
