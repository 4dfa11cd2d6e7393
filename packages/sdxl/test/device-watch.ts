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

/** What a device was asked for beside dispatches, counted at WebGPU's own calls. */
export interface DeviceTraffic {
  /** Bytes of each write to a buffer, in order. */
  readonly writes: number[];
  /** Submissions of command buffers; empty ones, which only wait, are not counted. */
  submissions: number;
  buffersMade: number;
  bindGroupsMade: number;
  /** Mappings of buffers: how data comes back to the host. */
  mappings: number;
}

/** Counts writes, submissions, made objects and read-backs from now on, until `vi.restoreAllMocks()`. */
export function watchTraffic(device: Device): DeviceTraffic {
  const traffic: DeviceTraffic = { writes: [], submissions: 0, buffersMade: 0, bindGroupsMade: 0, mappings: 0 };
  const { gpu } = device;
  const { queue } = gpu;
  const [write, submit] = [queue.writeBuffer.bind(queue), queue.submit.bind(queue)];
  const [createBuffer, createBindGroup] = [gpu.createBuffer.bind(gpu), gpu.createBindGroup.bind(gpu)];
  vi.spyOn(queue, 'writeBuffer').mockImplementation((buffer, offset, data, ...range) => {
    traffic.writes.push(data.byteLength);
    return write(buffer, offset, data, ...range);
  });
  vi.spyOn(queue, 'submit').mockImplementation((commands) => {
    const list = [...commands];
    if (list.length > 0) traffic.submissions++;
    return submit(list);
  });
  vi.spyOn(gpu, 'createBindGroup').mockImplementation((descriptor) => {
    traffic.bindGroupsMade++;
    return createBindGroup(descriptor);
  });
  vi.spyOn(gpu, 'createBuffer').mockImplementation((descriptor) => {
    traffic.buffersMade++;
    const buffer = createBuffer(descriptor);
    const map = buffer.mapAsync.bind(buffer);
    buffer.mapAsync = (...mapArguments) => {
      traffic.mappings++;
      return map(...mapArguments);
    };
    return buffer;
  });
  return traffic;
}
