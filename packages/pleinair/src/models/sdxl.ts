import {
  checkpointTensors,
  partGraph,
  parts,
  partsOf,
  textToImageParts,
  pipelineClasses,
  planSdxl,
  readSdxlConfig,
  readSdxlFiles,
  sdxlBaseFiles,
  sdxlInpaintFiles,
  sdxlRefinerFiles,
  openSdxl,
  type PartName,
  type SdxlFiles,
} from '@pleinair/sdxl';
import type { Architecture, ModelDescription } from './architecture.js';

/** Stable Diffusion XL. */
export const sdxl: Architecture = {
  name: 'sdxl',
  title: 'Stable Diffusion XL',
  classNames: pipelineClasses,
  presets: {
    'sdxl-base': () => describe(sdxlBaseFiles),
    'sdxl-refiner': () => describe(sdxlRefinerFiles),
    'sdxl-inpaint': () => describe(sdxlInpaintFiles),
  },
  describe: async (source, signal) => describe(await readSdxlFiles(source, { signal })),
  open: openSdxl,
};

function describe(files: SdxlFiles): ModelDescription<PartName> {
  const config = readSdxlConfig(files);
  const { name, defaults, scheduler } = config;
  return {
    architecture: 'sdxl',
    name,
    defaults,
    scheduler,
    parts: partsOf(config, textToImageParts),
    partFolders: Object.fromEntries(partsOf(config, parts).map((part) => [part.name, part.folder])) as Record<
      PartName,
      string
    >,
    tensorsOf: (part) => checkpointTensors(config, part),
    record: (shape, part, palettesOf) => partGraph(config, shape, part, palettesOf),
    plan: (...how) => planSdxl(config, ...how),
  };
}
