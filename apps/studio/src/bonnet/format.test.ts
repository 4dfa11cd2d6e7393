import { expect, it } from 'vitest';
import { bandwidthText, flopsText, msText, partText, shareText } from './format.js';

it('says figures with units', () => {
  expect([0, 0.046, 0.46, 12.34, 1234].map(msText)).toEqual(['0', '46 µs', '0.46 ms', '12.3 ms', '1.23 s']);
  expect([0.004, 0.5].map(shareText)).toEqual(['0.4 %', '50 %']);
  expect([flopsText(2e9, 1), flopsText(5e6, 10), flopsText(0, 1)]).toEqual(['2.00 TFLOP/s', '500 MFLOP/s', '–']);
  expect(bandwidthText(3e6, 2)).toBe('1.50 GB/s');
  expect(['unet', 'vae_decoder', 'text_encoder_2'].map(partText)).toEqual(['UNet', 'VAE decoder', 'Text encoder 2']);
});
