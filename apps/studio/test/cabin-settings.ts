import type { PictureSettings } from 'pleinair';

/** Settings of a picture that the demo model made. */
export const cabinSettings: PictureSettings = {
  prompt: 'a cabin',
  seed: 5,
  steps: 12,
  guidance: 3,
  scheduler: 'heun',
  rng: 'torch',
  width: 96,
  height: 128,
  model: 'pleinair-demo',
  version: '0.1.0',
};
