import { describe, expect, it } from 'vitest';
import { paintedSize } from '../src/painted-size.js';

const sdxl = { width: 1024, height: 1024 };
const sd = { width: 512, height: 512 };
const demo = { width: 128, height: 128 };
const of = (text: string) => {
  const [width, height] = text.split('x').map(Number);
  return { width: width!, height: height! };
};

describe('the size to paint at', () => {
  it('is the model’s own where none is asked for', () => {
    expect(paintedSize(undefined, { ...sd, steps: 20 } as never)).toEqual(sd);
  });

  it.each(['1024x1024', '1536x1024', '1024x1536', '1792x1024', '768x768', '1040x1024'])(
    'is what is asked for near the model’s own: %s of 1024²',
    (size) => expect(paintedSize(of(size), sdxl)).toEqual(of(size)),
  );

  it.each([
    ['256x256', sdxl, '1024x1024'],
    ['1024x1024', sd, '512x512'],
    ['1536x1024', sd, '624x416'],
    ['1792x1024', demo, '168x96'],
    ['1024x1792', demo, '96x168'],
    ['8x8', demo, '128x128'],
  ])('is about the model’s own number of pixels in the same proportions elsewhere: %s of %j', (asked, own, painted) => {
    expect(paintedSize(of(asked), own)).toEqual(of(painted));
  });

  it('has sides of at least 8', () => {
    expect(paintedSize(of('8x9600'), demo)).toEqual({ width: 8, height: 4432 });
  });
});
