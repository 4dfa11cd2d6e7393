import type { RunNews } from '../engine/protocol.js';

const parts: Readonly<Record<string, string>> = {
  unet: 'the UNet',
  vae: 'the decoder',
  'vae-decoder': 'the decoder',
  vae_decoder: 'the decoder',
  vae_encoder: 'the encoder',
  text_encoder: 'the first text encoder',
  text_encoder_2: 'the second text encoder',
  model: 'the model',
};

/** What is being loaded, in words. */
export function loadingWords({ part, phase }: Extract<RunNews, { kind: 'loading' }>): string {
  const what = parts[part] ?? part;
  switch (phase) {
    case 'opening':
      return 'Opening the model';
    case 'tuning':
      return `Finding the fastest kernels for ${what}`;
    case 'kernels':
      return `Compiling ${what}`;
    case 'weights':
      return `Loading ${what}`;
    case 'run':
      return `Running ${what}`;
  }
}

/** Speed, whichever way round is easier to read. */
export function speedInWords(stepsPerSecond: number): string {
  if (!(stepsPerSecond > 0)) return '';
  return stepsPerSecond >= 1 ? `${stepsPerSecond.toFixed(1)} it/s` : `${(1 / stepsPerSecond).toFixed(1)} s/it`;
}
