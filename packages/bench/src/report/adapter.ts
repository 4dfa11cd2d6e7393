import type { DeviceProfile } from '@pleinair/tensor';
import type { BenchAdapter } from './report.js';

/** What a report says of the adapter. */
export function adapterOf({ name, vendor, architecture, isSoftware, features }: DeviceProfile): BenchAdapter {
  const had = Object.entries(features).filter(([, there]) => there);
  return { name, vendor, architecture, software: isSoftware, features: had.map(([feature]) => feature) };
}
