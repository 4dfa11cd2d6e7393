import type { Device, DeviceProfile } from '@pleinair/tensor';
import { hashText } from '../shader/hash-text.js';

/** An adapter as tuning results are kept for it. */
export interface TuningAdapter {
  /** Hash of all below; fit for a file's name. */
  readonly key: string;
  readonly vendor: string;
  readonly architecture: string;
  readonly device: string;
  /** What the implementation tells in words; under Dawn it names the driver and its version. */
  readonly description: string;
  /** Features that are used, and the width of subgroups. */
  readonly features: string;
}

/** What `GPUAdapterInfo` tells of an adapter. */
export type AdapterWords = Pick<GPUAdapterInfo, 'vendor' | 'architecture' | 'device' | 'description'>;

/** Under what a device's tuning results are kept. Another driver, where its version is told, is another adapter. */
export function tuningAdapter({ gpu, profile }: Pick<Device, 'gpu' | 'profile'>): TuningAdapter {
  return describeTuningAdapter(gpu.adapterInfo, profile);
}

/** As {@link tuningAdapter}, from the two things it reads. */
export function describeTuningAdapter(info: AdapterWords, profile: DeviceProfile): TuningAdapter {
  const used = Object.entries(profile.features).filter(([, has]) => has);
  const { subgroupMinSize, subgroupMaxSize } = profile;
  const words = {
    vendor: info.vendor,
    architecture: info.architecture,
    device: info.device,
    description: info.description,
    features: [...used.map(([name]) => name), `subgroups of ${subgroupMinSize} to ${subgroupMaxSize}`].join(', '),
  };
  return { key: hashText(JSON.stringify(words)), ...words };
}
