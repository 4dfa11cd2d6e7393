// What does a picture show? A small convolutional classifier, trained on drawn scenes, a few of them passed through the
// autoencoder (tools/demo-model/train_checker.py). It has seen nothing painted by the model it judges.
import { ATTRIBUTE_VALUES, type AskedAttributes, type AttributeName, type Attributes } from './attributes.js';
import { checkerWeights } from './checker-weights.js';
import { convolve, linear, poolHalves, weightReader, type Planes } from './layers.js';

export { ATTRIBUTE_VALUES, type AskedAttributes, type AttributeName, type Attributes } from './attributes.js';

const SIDE = 64;
const NAMES = Object.keys(ATTRIBUTE_VALUES) as AttributeName[];
const weights = decodeHalves(checkerWeights);

/**
 * Finds the attributes of a picture.
 *
 * @param rgba - Pixels, `[height, width, 4]`, 0…255.
 */
export function checkAttributes(rgba: Uint8Array | Uint8ClampedArray, width: number, height: number): Attributes {
  if (rgba.length !== width * height * 4) {
    throw new RangeError(
      `checkAttributes: expected ${width * height * 4} bytes, got ${rgba.length}. Pass RGBA pixels.`,
    );
  }
  const take = weightReader(weights);
  let planes = shrink(rgba, width, height);
  for (const [outputs, stride] of [
    [16, 2],
    [24, 2],
    [32, 1],
    [48, 2],
  ] as const) {
    planes = convolve(planes, take(outputs * planes.channels * 9), take(outputs), stride);
  }
  const pooled = poolHalves(planes);
  const hidden = linear(pooled, take(64 * pooled.length), take(64)).map((v) => Math.max(0, v));
  const classes = NAMES.reduce((sum, name) => sum + ATTRIBUTE_VALUES[name].length, 0);
  const scores = linear(hidden, take(classes * 64), take(classes));

  let at = 0;
  const found = Object.fromEntries(
    NAMES.map((name) => {
      const values = ATTRIBUTE_VALUES[name];
      const own = scores.subarray(at, (at += values.length));
      return [name, values[own.indexOf(Math.max(...own))]];
    }),
  ) as Attributes;
  return found.terrain === 'desert' || found.terrain === 'sea' ? { ...found, season: null } : found;
}

/** Whether every asked attribute was found. */
export function matches(asked: AskedAttributes, found: Attributes): boolean {
  return NAMES.every((name) => asked[name] === undefined || asked[name] === found[name]);
}

/** Averages the picture down (or spreads it up) to 64×64 planes in 0…1. */
function shrink(rgba: Uint8Array | Uint8ClampedArray, width: number, height: number): Planes {
  const data = new Float32Array(3 * SIDE * SIDE);
  for (let y = 0; y < SIDE; y++) {
    const top = Math.floor((y * height) / SIDE);
    const bottom = Math.max(top + 1, Math.floor(((y + 1) * height) / SIDE));
    for (let x = 0; x < SIDE; x++) {
      const left = Math.floor((x * width) / SIDE);
      const right = Math.max(left + 1, Math.floor(((x + 1) * width) / SIDE));
      const scale = 1 / (255 * (bottom - top) * (right - left));
      for (let c = 0; c < 3; c++) {
        let sum = 0;
        for (let row = top; row < bottom; row++) {
          for (let column = left; column < right; column++) sum += rgba[(row * width + column) * 4 + c] as number;
        }
        data[(c * SIDE + y) * SIDE + x] = sum * scale;
      }
    }
  }
  return { data, channels: 3, side: SIDE };
}

/** Little-endian IEEE half floats in base64. */
function decodeHalves(base64: string): Float32Array {
  const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
  const view = new DataView(bytes.buffer);
  return Float32Array.from({ length: bytes.length / 2 }, (_, i) => {
    const bits = view.getUint16(2 * i, true);
    const exponent = (bits >> 10) & 31;
    const fraction = bits & 1023;
    const size = exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15);
    return bits & 0x8000 ? -size : size;
  });
}
