import { describeAdapter } from '@pleinair/tensor';
import { failureOf } from './failure.js';
import type { AdapterNews } from './protocol.js';

/** The adapter this browser gives, without making a device of it. */
export async function findAdapterNews(): Promise<AdapterNews> {
  try {
    const { profile, features, limits } = await describeAdapter();
    return { kind: 'adapter', name: profile.name, isSoftware: profile.isSoftware, features, limits };
  } catch (error) {
    return failureOf(error);
  }
}
