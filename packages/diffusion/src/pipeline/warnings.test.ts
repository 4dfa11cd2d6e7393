import { describe, expect, it } from 'vitest';
import { latentsWarning, pictureWarning } from './warnings.js';

describe('latentsWarning', () => {
  it.each([
    ['a NaN', [0.1, Number.NaN, 3], 'latents/not-finite', /got NaN.*use precision f32/],
    ['a NaN after the largest', [900, 0, Number.NaN], 'latents/not-finite', /got NaN/],
    ['an infinity', [0.1, -Infinity], 'latents/not-finite', /got Infinity/],
    ['a clamped half', [1, -65504, 2], 'latents/overflow', /got 6\.55e\+4/],
  ] as const)('tells of %s', (_, values, code, message) => {
    const warning = latentsWarning(Float32Array.from(values), 1, 'f16');
    expect(warning).toMatchObject({ code, picture: 1 });
    expect(warning!.message).toMatch(message);
    expect(warning!.message).toMatch(/^picture 2: expected/);
  });

  it('asks for other things where f32 was used already', () => {
    expect(latentsWarning(Float32Array.of(Number.NaN), 0, 'f32')!.message).not.toContain('precision f32');
  });

  it('says nothing of sound latents, however wild', () => {
    expect(latentsWarning(Float32Array.of(0, -14.6, 60), 0, 'f16')).toBeUndefined();
    expect(latentsWarning(new Float32Array(0), 0, 'f16')).toBeUndefined();
  });
});

describe('pictureWarning', () => {
  it('tells of one colour, with the cure', () => {
    const black = Uint8ClampedArray.from({ length: 64 }, (_, i) => (i % 4 === 3 ? 255 : 0));
    const warning = pictureWarning(black, 0, 'f16')!;
    expect(warning.code).toBe('picture/one-colour');
    expect(warning.message).toMatch(/\(0, 0, 0\).*precision f32.*sdxl-vae-fp16-fix/);
  });

  it('says nothing of a picture that differs in one pixel', () => {
    const pixels = new Uint8ClampedArray(64);
    pixels[60] = 1;
    expect(pictureWarning(pixels, 0, 'f16')).toBeUndefined();
  });
});
