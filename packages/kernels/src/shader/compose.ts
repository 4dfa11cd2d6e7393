import type { Kernel } from '@pleinair/tensor';
import { hashText } from './hash-text.js';
import { declareBuffers, type BufferDeclaration } from './storage.js';
import { declareUniforms, uniformBytes, type UniformFields } from './uniforms.js';

/** The parts of a kernel: {@link composeKernel} puts them together. */
export interface KernelParts {
  /** Family and variant, e.g. `matmul/columns`. */
  readonly name: string;
  readonly buffers: readonly BufferDeclaration[];
  readonly uniforms?: UniformFields;
  /** WGSL extensions beyond `f16`, which follows from the buffers. */
  readonly enables?: readonly string[];
  /** Functions, workgroup variables and the entry point `main`. */
  readonly body: string;
}

/** Builds a kernel whose key is its name and a hash of its whole text, so that key and text cannot disagree. */
export function composeKernel(parts: KernelParts): Kernel {
  const enables = new Set(parts.enables);
  if (parts.buffers.some((b) => b.form === 'f16')) enables.add('f16');
  const fields = parts.uniforms ?? {};
  const wgsl = [
    ...[...enables].sort().map((name) => `enable ${name};`),
    declareBuffers(parts.buffers),
    declareUniforms(fields, parts.buffers.length),
    parts.body,
  ]
    .filter((text) => text !== '')
    .join('\n');
  return {
    name: parts.name,
    key: `${parts.name}#${hashText(wgsl)}`,
    wgsl,
    bindings: parts.buffers.map(({ name, access }) => ({ name, access })),
    uniformBytes: uniformBytes(fields),
  };
}
