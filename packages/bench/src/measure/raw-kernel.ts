import { bufferUsage, type Device } from '@pleinair/tensor';

/** A kernel outside any graph, for loops that no model has. Buffers at bindings 0 …, then a uniform block of 16 bytes. */
export class RawKernel {
  private constructor(
    private readonly device: Device,
    private readonly pipeline: GPUComputePipeline,
    private readonly buffers: readonly GPUBuffer[],
    private readonly uniforms: GPUBuffer,
    private readonly group: GPUBindGroup,
  ) {}

  static async make(device: Device, wgsl: string, bufferBytes: readonly number[]): Promise<RawKernel> {
    const { gpu } = device;
    const module = gpu.createShaderModule({ code: wgsl });
    const pipeline = await gpu.createComputePipelineAsync({ layout: 'auto', compute: { module, entryPoint: 'main' } });
    const { storage, copySrc, copyDst, uniform } = bufferUsage;
    const buffers = bufferBytes.map((size) => gpu.createBuffer({ size, usage: storage | copySrc | copyDst }));
    const uniforms = gpu.createBuffer({ size: 16, usage: uniform | copyDst });
    const entries = [...buffers, uniforms].map((buffer, binding) => ({ binding, resource: { buffer } }));
    const group = gpu.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries });
    return new RawKernel(device, pipeline, buffers, uniforms, group);
  }

  /**
   * Milliseconds from submission until the GPU is done.
   *
   * @param repeats - Dispatches in one submission.
   * @param expectedMs - What it will take, where that is known: see {@link RawKernel.submit}.
   */
  async time(uniforms: ArrayBuffer, workgroups: number, repeats: number, expectedMs: number): Promise<number> {
    this.device.gpu.queue.writeBuffer(this.uniforms, 0, uniforms);
    return this.submit(expectedMs, (encoder) => {
      const pass = encoder.beginComputePass();
      pass.setPipeline(this.pipeline);
      pass.setBindGroup(0, this.group);
      for (let i = 0; i < repeats; i++) pass.dispatchWorkgroups(workgroups);
      pass.end();
    });
  }

  /** Milliseconds of copying the first buffer into the second by the adapter's own means. */
  async timeCopy(bytes: number, repeats: number, expectedMs: number): Promise<number> {
    return this.submit(expectedMs, (encoder) => {
      for (let i = 0; i < repeats; i++) encoder.copyBufferToBuffer(this.buffers[0]!, 0, this.buffers[1]!, 0, bytes);
    });
  }

  dispose(): void {
    for (const buffer of [...this.buffers, this.uniforms]) buffer.destroy();
  }

  /** Sleeps through most of what is expected where asking whether it is done would take a core from the work itself. */
  private async submit(expectedMs: number, encode: (encoder: GPUCommandEncoder) => void): Promise<number> {
    const { gpu, pacer } = this.device;
    await this.device.orLost(gpu.queue.onSubmittedWorkDone());
    const encoder = gpu.createCommandEncoder();
    encode(encoder);
    const commands = encoder.finish();
    const started = performance.now();
    gpu.queue.submit([commands]);
    const restMs = pacer.restMs(expectedMs);
    if (restMs > 0) await new Promise<void>((resolve) => setTimeout(resolve, restMs));
    await this.device.orLost(gpu.queue.onSubmittedWorkDone());
    return performance.now() - started;
  }
}
