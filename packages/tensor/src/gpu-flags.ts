/**
 * WebGPU's usage flags by value (https://www.w3.org/TR/webgpu/#typedefdef-gpubufferusageflags). Browsers have them as
 * globals; Node has not, and this library leaves the globals of its host alone.
 */
export const bufferUsage = {
  mapRead: 0x0001,
  copySrc: 0x0004,
  copyDst: 0x0008,
  uniform: 0x0040,
  storage: 0x0080,
  queryResolve: 0x0200,
} as const;

/** `GPUMapMode.READ`. */
export const mapModeRead = 0x0001;

/** `GPUShaderStage.COMPUTE`. */
export const stageCompute = 0x4;
