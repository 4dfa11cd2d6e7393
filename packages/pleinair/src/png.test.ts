import { decode } from 'fast-png';
import { describe, expect, it } from 'vitest';
import { encodePng, readPngText } from './png.js';
import { pictureSettings, readPictureSettings } from './picture-settings.js';

const rgba = Uint8ClampedArray.from({ length: 5 * 3 * 4 }, (_, i) => (i % 4 === 3 ? 255 : (i * 37) % 256));

describe('encodePng', () => {
  it('keeps every pixel, opaque or not', () => {
    const opaque = decode(encodePng({ width: 5, height: 3, rgba }));
    expect([opaque.width, opaque.height, opaque.channels]).toEqual([5, 3, 3]);
    expect([...opaque.data]).toEqual([...rgba].filter((_, i) => i % 4 !== 3));
    const clear = rgba.map((v, i) => (i === 3 ? 9 : v));
    const back = decode(encodePng({ width: 5, height: 3, rgba: clear }));
    expect(back.channels).toBe(4);
    expect([...back.data]).toEqual([...clear]);
  });

  it('carries text in any script, and a checksum that a decoder accepts', () => {
    const text = { parameters: 'Steps: 3\nÄpfel', pleinair: '{"prompt":"雪山 🌕"}' };
    const png = encodePng({ width: 5, height: 3, rgba }, text);
    expect(readPngText(png)).toEqual(text);
    expect(decode(png, { checkCrc: true }).text['parameters']).toBe(text.parameters);
  });
});

describe('pictureSettings', () => {
  it('say all that is needed to make the picture again, and not where the model lies', () => {
    const image = { seed: 7, width: 64, height: 32, rgba: new Uint8ClampedArray(0), latents: new Float32Array(0) };
    const result = {
      images: [image],
      seed: 7,
      steps: 20,
      guidance: 5,
      scheduler: 'EulerDiscreteScheduler',
      rng: 'torch' as const,
      width: 64,
      height: 32,
      timings: { loadMs: 0, tuneMs: 0, textMs: 0, denoiseMs: 0, decodeMs: 0, totalMs: 0 },
      stepsPerSecond: 1,
      memory: { weightsBytes: 0, intermediatesBytes: 0, persistentBytes: 0, peakBytes: 0 },
      notes: [],
      prompt: 'a sea',
      negativePrompt: 'fog',
      model: 'folder /home/someone/models/mine/',
    };
    const text = pictureSettings(result, image);
    expect(JSON.stringify(text)).not.toContain('someone');
    expect(readPictureSettings(text)).toMatchObject({
      prompt: 'a sea',
      negative: 'fog',
      seed: 7,
      steps: 20,
      guidance: 5,
      model: 'mine',
    });
    expect(readPictureSettings({})).toBeUndefined();
    const settings: unknown = JSON.parse(text['pleinair']!);
    for (const broken of [{ prompt: 5 }, { scheduler: undefined }, { steps: '20' }, { width: null }, { negative: 1 }]) {
      const pleinair = JSON.stringify(Object.assign({}, settings, broken));
      expect(readPictureSettings({ pleinair }), pleinair).toBeUndefined();
    }
  });
});
