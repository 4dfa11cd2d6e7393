import type { Device } from '@pleinair/tensor';
import { vi } from 'vitest';

/** What was recorded into command buffers, counted at WebGPU's own calls and not by the executor. */
export interface EncodedWork {
  dispatches: number;
  readonly pipelines: Set<GPUComputePipeline>;
}

/** Counts dispatches and distinct pipelines from now on, until `vi.restoreAllMocks()`. */
export function watchDispatches(device: Device): EncodedWork {
  const work: EncodedWork = { dispatches: 0, pipelines: new Set() };
  const { gpu } = device;
  const createEncoder = gpu.createCommandEncoder.bind(gpu);
  vi.spyOn(gpu, 'createCommandEncoder').mockImplementation((...encoderArguments) => {
    const encoder = createEncoder(...encoderArguments);
    const beginPass = encoder.beginComputePass.bind(encoder);
    encoder.beginComputePass = (...passArguments) => {
      const pass = beginPass(...passArguments);
      const setPipeline = pass.setPipeline.bind(pass);
      const dispatch = pass.dispatchWorkgroups.bind(pass);
      pass.setPipeline = (pipeline) => {
        work.pipelines.add(pipeline);
        return setPipeline(pipeline);
      };
      pass.dispatchWorkgroups = (...counts) => {
        work.dispatches++;
        return dispatch(...counts);
      };
      return pass;
    };
    return encoder;
  });
  return work;
}

/** The most bytes held at once from now on beyond what is held now; staging, which carries data for moments, apart. */
export function watchHeldBytes(device: Device): { readonly most: number } {
  const held = { now: 0, most: 0 };
  const add = device.memory.add.bind(device.memory);
  vi.spyOn(device.memory, 'add').mockImplementation((category, bytes) => {
    if (category !== 'staging') held.now += bytes;
    held.most = Math.max(held.most, held.now);
    add(category, bytes);
  });
  return held;
}
