import { describe, expect, it } from 'vitest';
import { fakeModel } from '../../test/fake-model.js';
import { imageJob, pictureSize, strengthOf } from './image-job.js';

const image = { width: 70, height: 41, rgba: new Uint8ClampedArray(4 * 70 * 41).fill(255) };
const size = { width: 64, height: 40 };
const latents = [new Float32Array(4 * 8 * 5)];

describe('what a request says of pictures', () => {
  it.each([
    [{ mask: image }, /an image for the mask/],
    [{ strength: 0.5 }, /an image for strength/],
    [{ image, latents }, /a picture or latents/],
    [{ image, maskBlur: 2 }, /a mask beside maskBlur/],
    [{ image, paddingMaskCrop: 2 }, /a mask beside/],
    [{ image, mask: image, paddingMaskCrop: 2, pasteBack: false }, /pasteBack with paddingMaskCrop/],
    [{ denoisingStart: 0.5 }, /latents for denoisingStart/],
    [{ latents, denoisingStart: 0.5, strength: 0.5 }, /strength or denoisingStart/],
    [{ image, strength: 0 }, /strength to be above 0 and at most 1, got 0/],
    [{ image, strength: 1.5 }, /got 1\.5/],
    [{ image: { ...image, width: 71 } }, /image to have 4 bytes/],
    [{ image, mask: { ...image, width: 71 } }, /mask to have 4 bytes/],
    [{ image, mask: image, maskBlur: -1 }, /maskBlur to be a number of at least 0/],
    [{ latents: [new Float32Array(3)] }, /latents of 1 pictures of 160 numbers, got 3/],
  ])('is refused where it does not go together: %j', (request, message) => {
    expect(() => imageJob(fakeModel(), request, size, 1)).toThrow(message);
  });

  it('is asked for by models that need it', () => {
    expect(() => imageJob(fakeModel({ needsImage: true }), {}, size, 1)).toThrow(/an image or latents/);
    expect(() => imageJob(fakeModel({ inChannels: 9 }), {}, size, 1)).toThrow(/an image and a mask/);
    expect(() => imageJob(fakeModel({ inChannels: 8 }), { image }, size, 1)).toThrow(/4 or 9 input channels, got 8/);
    expect(imageJob(fakeModel(), {}, size, 1)).toBeUndefined();
  });

  it('decides what is encoded and what the run begins with', () => {
    const look = (inChannels: number, request: Parameters<typeof imageJob>[1]) => {
      const job = imageJob(fakeModel({ inChannels }), request, size, 1)!;
      return [job.begins, job.pixels !== undefined, job.maskedPixels !== undefined, job.latentMask !== undefined];
    };
    const mask = image;
    expect(look(4, { image })).toEqual(['noised', true, false, false]);
    expect(look(4, { image, mask })).toEqual(['noise', true, false, true]);
    expect(look(4, { image, mask, strength: 0.5 })).toEqual(['noised', true, false, true]);
    // A UNet that is shown the rest begins with noise alone at full strength.
    expect(look(9, { image, mask })).toEqual(['noise', false, true, true]);
    expect(look(9, { image, mask, strength: 0.5 })).toEqual(['noised', true, true, true]);
    expect(look(4, { latents, denoisingStart: 0.5 })).toEqual(['as-it-is', false, false, false]);
  });

  it('decides the size: asked for, else the picture’s own, rounded', () => {
    const model = fakeModel();
    expect(pictureSize(model, {})).toEqual({ width: 128, height: 128 });
    expect(pictureSize(model, { image })).toEqual({ width: 64, height: 40 });
    expect(pictureSize(model, { image, width: 32 })).toEqual({ width: 32, height: 16 });
    expect(pictureSize(model, { image, height: 80 })).toEqual({ width: 136, height: 80 });
    expect(pictureSize(model, { image, paddingMaskCrop: 3 })).toEqual({ width: 128, height: 128 });
  });

  it('decides the strength: as said, else by what there is', () => {
    expect(strengthOf(fakeModel(), {})).toBeUndefined();
    expect(strengthOf(fakeModel(), { image })).toBe(0.8);
    expect(strengthOf(fakeModel(), { image, mask: image })).toBe(1);
    expect(strengthOf(fakeModel({ needsImage: true }), { image })).toBe(0.3);
    expect(strengthOf(fakeModel(), { latents, denoisingStart: 0.8 })).toBeUndefined();
  });
});
