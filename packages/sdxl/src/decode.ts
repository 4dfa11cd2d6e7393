import {
  decodedSize,
  decoderBands,
  latentSize,
  runTiledDecoder,
  type Part,
  type PartForm,
  type PartUse,
  type Preview,
} from '@pleinair/diffusion';
import type { PartName, PipelineShape } from './graphs.js';
import type { SdxlConfig } from './model-config.js';

/** Turns a picture's latents, f32 `[h, w, c]` and still scaled, into pixels; tells its progress if it is to. */
export type Decode = (latents: Float32Array<ArrayBuffer>, report?: boolean) => Promise<Preview>;

/** Runs `body` with the decoder on the GPU, for as many pictures as it likes. */
export function withDecoder<T>(
  part: Part<PartName>,
  config: SdxlConfig,
  form: PartForm<PartName>,
  shape: PipelineShape,
  use: PartUse,
  body: (decode: Decode) => Promise<T>,
): Promise<T> {
  const tiled = shape.vae === 'tiled';
  const key = `${shape.width}×${shape.height} ${shape.precision}${tiled ? ' tiled' : ''}`;
  return part.use(
    key,
    () => form(shape, 'vae_decoder'),
    use,
    async (program) => {
      await part.ready(program, tiled ? 'coarse' : 'decode', use);
      const bands = tiled ? decoderBands(config.vae, shape) : 0;
      const small = latentSize(config.vae, shape.width, shape.height);
      const { width, height } = decodedSize(config.vae, small.height, small.width);
      return body(async (latents, report = false) => {
        program.write('latents', latents);
        const options = report ? part.running(use) : { signal: use.signal };
        await (tiled ? runTiledDecoder(program, { bands }, options) : program.run('decode', options));
        const packed = (await program.read('rgba')) as Uint32Array<ArrayBuffer>;
        return { width, height, rgba: new Uint8ClampedArray(packed.buffer, packed.byteOffset, packed.byteLength) };
      });
    },
  );
}
