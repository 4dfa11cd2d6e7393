import {
  checkpointTensors,
  openSd,
  partFolders,
  partGraph,
  textToImageParts,
  pipelineClasses,
  planSd,
  readSdConfig,
  readSdFiles,
  sd15Files,
  sd15InpaintFiles,
  sd21Files,
  type PartName,
  type SdFiles,
} from '@pleinair/sd';
import type { Architecture, ModelDescription } from './architecture.js';

/** Stable Diffusion 1.x and 2.x. */
export const sd: Architecture = {
  name: 'sd',
  title: 'Stable Diffusion 1.x and 2.x',
  classNames: pipelineClasses,
  presets: {
    sd15: () => describe(sd15Files),
    'sd15-inpaint': () => describe(sd15InpaintFiles),
    sd21: () => describe(sd21Files),
  },
  describe: async (source, signal) => describe(await readSdFiles(source, { signal })),
  open: openSd,
};

function describe(files: SdFiles): ModelDescription<PartName> {
  const config = readSdConfig(files);
  const { defaults, scheduler } = config;
  return {
    architecture: 'sd',
    defaults,
    scheduler,
    parts: textToImageParts,
    partFolders,
    tensorsOf: (part) => checkpointTensors(config, part),
    record: (shape, part, palettesOf) => partGraph(config, shape, part, palettesOf),
    plan: (...how) => planSd(config, ...how),
  };
}
