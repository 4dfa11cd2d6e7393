import { demoSizes } from './size-presets.js';
import type { StudioModel } from './studio-model.js';

/** The model that is shipped with Studio, so that it paints at once. */
export const demoModel: StudioModel = {
  id: 'demo',
  name: 'Demo model',
  about: 'Comes with Studio, paints at once on any GPU: small landscapes, of SDXL’s architecture.',
  spot: { kind: 'demo' },
  defaults: { steps: 20, guidance: 4 },
  sizes: demoSizes,
  examples: [
    'a snowy mountain under a full moon',
    'a sailboat on the sea at sunset',
    'autumn hills at dawn with a cabin',
    'a red balloon over the desert at noon',
    'a lighthouse by the sea at night under the stars',
    'a lone tree on green hills in spring',
  ],
};
