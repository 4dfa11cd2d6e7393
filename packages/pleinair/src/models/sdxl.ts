import {
  checkpointTensors,
  partFolders,
  partGraph,
  partNames,
  pipelineClasses,
  planSdxl,
  readSdxlConfig,
  readSdxlFiles,
  sdxlBaseFiles,
  SdxlPipeline,
  type PartName,
  type SdxlFiles,
} from '@pleinair/sdxl';
import type { Architecture, ModelDescription } from './architecture.js';

/** Stable Diffusion XL. */
export const sdxl: Architecture = {
  name: 'sdxl',
  title: 'Stable Diffusion XL',
  classNames: pipelineClasses,
  presets: { 'sdxl-base': () => describe(sdxlBaseFiles) },
  describe: async (source, signal) => describe(await readSdxlFiles(source, { signal })),
  open: (source, device, options) => SdxlPipeline.open(source, device, options),
};

function describe(files: SdxlFiles): ModelDescription<PartName> {
  const config = readSdxlConfig(files);
  const { name, defaults, scheduler } = config;
  return {
    architecture: 'sdxl',
    name,
    defaults,
    scheduler,
    partNames,
    partFolders,
    tensorsOf: (part) => checkpointTensors(config, part),
    record: (shape, part, palettesOf) => partGraph(config, shape, part, palettesOf),
    plan: (...how) => planSdxl(config, ...how),
  };
}
