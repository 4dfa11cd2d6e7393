import type { Worker } from 'playwright-core';

/** What a test can do to the GPU of an engine from outside, as drivers and the machine do. */
export class EngineLevers {
  private constructor(private readonly worker: Worker) {}

  /** Takes hold of a worker before it asks for a device. */
  static async take(worker: Worker): Promise<EngineLevers> {
    await worker.evaluate(() => {
      const levers = { devices: [] as GPUDevice[], full: false, dispatched: [] as string[] };
      Object.assign(globalThis, { levers });
      type Request = (this: GPUAdapter, descriptor?: GPUDeviceDescriptor) => Promise<GPUDevice>;
      const request: Request = Reflect.get(GPUAdapter.prototype, 'requestDevice');
      GPUAdapter.prototype.requestDevice = async function (descriptor) {
        const device = await request.call(this, descriptor);
        levers.devices.push(device);
        return device;
      };
      type Push = (this: GPUDevice, filter: GPUErrorFilter) => undefined;
      type Pop = (this: GPUDevice) => Promise<GPUError | null>;
      const push: Push = Reflect.get(GPUDevice.prototype, 'pushErrorScope');
      const pop: Pop = Reflect.get(GPUDevice.prototype, 'popErrorScope');
      const scopes: GPUErrorFilter[] = [];
      GPUDevice.prototype.pushErrorScope = function (filter) {
        scopes.push(filter);
        return push.call(this, filter);
      };
      GPUDevice.prototype.popErrorScope = function () {
        const failing = scopes.pop() === 'out-of-memory' && levers.full;
        return pop.call(this).then((error) => (failing ? new GPUOutOfMemoryError('no room') : error));
      };
      let kernel = '';
      const { prototype } = GPUComputePassEncoder;
      type Set = (this: GPUComputePassEncoder, pipeline: GPUComputePipeline) => undefined;
      const setPipeline: Set = Reflect.get(prototype, 'setPipeline');
      prototype.setPipeline = function (pipeline) {
        kernel = pipeline.label;
        return setPipeline.call(this, pipeline);
      };
      type Dispatch = (this: GPUComputePassEncoder, x: number, y?: number, z?: number) => undefined;
      const dispatch: Dispatch = Reflect.get(prototype, 'dispatchWorkgroups');
      prototype.dispatchWorkgroups = function (...size) {
        levers.dispatched.push(kernel);
        return dispatch.apply(this, size);
      };
    });
    return new EngineLevers(worker);
  }

  /** Whether the GPU has room for nothing more. */
  async setFull(full: boolean): Promise<void> {
    await this.worker.evaluate((value) => Object.assign(levers, { full: value }), full);
  }

  /** Loses the device in use. */
  async loseDevice(): Promise<void> {
    await this.worker.evaluate(() => levers.devices.at(-1)!.destroy());
  }

  /** Kernels in the order in which they were dispatched since this was asked last. */
  dispatched(): Promise<readonly string[]> {
    return this.worker.evaluate(() => levers.dispatched.splice(0));
  }

  /** How many devices were asked for. */
  devices(): Promise<number> {
    return this.worker.evaluate(() => levers.devices.length);
  }
}

declare const levers: {
  readonly devices: GPUDevice[];
  full: boolean;
  readonly dispatched: string[];
};
