import type { Dispatch, Kernel } from '@pleinair/tensor';
import { create } from 'webgpu';

// Dawn in Node crashes when the object from `create` is collected while its devices live.
const held: GPU[] = [];

/**
 * Compiles WGSL with Tint on Dawn's null backend: every error that a real adapter would report, uniformity included, with
 * no GPU. Features that a kernel enables are all there.
 */
export async function tintErrors(kernels: Iterable<Kernel>): Promise<string[]> {
  const gpu = create(['backend=null', 'enable-dawn-features=allow_unsafe_apis']);
  held.push(gpu);
  const adapter = await gpu.requestAdapter();
  if (!adapter) throw new Error('tintErrors: Dawn has no null adapter.');
  const features = ['shader-f16', 'subgroups', 'chromium-experimental-subgroup-matrix'];
  const wanted = features.filter((name) => adapter.features.has(name)) as GPUFeatureName[];
  const device = await adapter.requestDevice({ requiredFeatures: wanted });
  const errors: string[] = [];
  for (const kernel of kernels) {
    device.pushErrorScope('validation');
    const module = device.createShaderModule({ label: kernel.name, code: kernel.wgsl });
    const { messages } = await module.getCompilationInfo();
    await device.popErrorScope();
    for (const message of messages) {
      if (message.type !== 'info') errors.push(`${kernel.name}:${message.lineNum}: ${message.message}`);
    }
  }
  device.destroy();
  return errors;
}

/** Distinct kernels of dispatches, by key. */
export function kernelsOf(dispatches: Iterable<Dispatch>): Kernel[] {
  return [...new Map([...dispatches].map(({ kernel }) => [kernel.key, kernel])).values()];
}
