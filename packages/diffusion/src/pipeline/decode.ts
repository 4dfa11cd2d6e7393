import type { ProgramPlan } from '@pleinair/tensor';
import type { Preview } from '../denoise/preview.js';
import type { Part, PartUse } from '../parts/part.js';
import { latentSize, type PipelineShape } from '../parts/pipeline-shape.js';
import { decoderSteps } from '../parts/vae-tiling.js';
import type { VaeConfig } from '../vae/config.js';
import { decodedSize } from '../vae/decoder-graph.js';
import { runTiledDecoder } from '../vae/tiled/decode-tiled.js';

/** Turns a picture's latents, f32 `[h, w, c]` and still scaled, into pixels; tells its progress if it is to. */
export type Decode = (latents: Float32Array<ArrayBuffer>, report?: boolean) => Promise<Preview>;

/**
 * Runs `body` with the decoder on the GPU, for as many pictures as it likes.
 *
 * @param plan - The decoder's for the shape.
 */
export function withDecoder<T>(
  part: Part,
  config: VaeConfig,
  plan: ProgramPlan,
  shape: PipelineShape,
  use: PartUse,
  body: (decode: Decode) => Promise<T>,
): Promise<T> {
  const tiled = shape.vae === 'tiled';
  return part.use(plan, use, async (program) => {
    const steps = tiled ? decoderSteps(config, shape) : [];
    await part.ready(program, steps[0]?.segment ?? 'decode', use);
    const small = latentSize(config, shape.width, shape.height);
    const { width, height } = decodedSize(config, small.height, small.width);
    return body(async (latents, report = false) => {
      program.write('latents', latents);
      const options = report ? part.running(use) : { signal: use.signal };
      await (tiled ? runTiledDecoder(program, { steps }, options) : program.run('decode', options));
      const packed = (await program.read('rgba')) as Uint32Array<ArrayBuffer>;
      return { width, height, rgba: new Uint8ClampedArray(packed.buffer, packed.byteOffset, packed.byteLength) };
    });
  });
}
