import type { Failure } from '../engine/protocol.js';
import { bytesInWords } from '../words/figures.js';
import type { StoredDetails } from './engine/protocol.js';
import { sizesFor } from './size-presets.js';
import type { StudioModel } from './studio-model.js';

/** A model of the storage as Studio paints with it. Its id is its name there. */
export function storedModel(name: string, details: StoredDetails | Failure): StudioModel {
  const known = { id: name, name: shortName(name), spot: { kind: 'stored', name } } as const;
  if (details.kind === 'failed') {
    const defaults = { steps: 30, guidance: 5 };
    return { ...known, about: 'It cannot be read.', defaults, sizes: sizesFor(512), unable: details.message };
  }
  const { needs, defaults } = details;
  const { steps, guidance, width, height } = defaults;
  const presets = sizesFor(Math.min(width, height));
  return {
    ...known,
    about: aboutNeeds(details),
    defaults: fewSteps.test(name) ? { steps: 4, guidance: 1 } : { steps, guidance },
    sizes: presets,
    ...(needs.verdict === 'cannot-run' && { unable: needs.reason }),
  };
}

/** Stands for the model that was chosen before a reload, until the storage has been read: nothing is painted with it. */
export function soughtModel(name: string): StudioModel {
  return {
    id: name,
    name: shortName(name),
    about: '',
    spot: { kind: 'stored', name },
    defaults: { steps: 30, guidance: 5 },
    sizes: sizesFor(1024),
    unable: `Looking for ${shortName(name)} in this browser’s storage…`,
    sought: true,
  };
}

/** Stability AI's models for one to four steps without guidance: nothing in their files says that they are. */
const fewSteps = /(^|\/)sd(xl)?-turbo([@/]|$)/i;

/** A line about a model. */
export function aboutNeeds({ needs }: Pick<StoredDetails, 'needs'>): string {
  const { family, storedBytes, averageBits, mode, modes } = needs;
  const bits = averageBits?.['unet'];
  return [
    family,
    bits === undefined ? undefined : `${bits.toFixed(1)} bits`,
    storedBytes === undefined ? undefined : bytesInWords(storedBytes),
    mode && modes && `${bytesInWords(modes[mode].peakBytes)} on the GPU`,
  ]
    .filter((each) => each !== undefined)
    .join(' · ');
}

/** `local/dreamscape` is `dreamscape`; what is on the Hub keeps its owner. */
export function shortName(name: string): string {
  return name.replace(/^local\//, '');
}
