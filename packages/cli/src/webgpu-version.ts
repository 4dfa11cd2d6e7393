import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** The version of the npm package `webgpu` (Dawn) that this process would load, as far as it can be found. */
export function webgpuVersion(): { readonly webgpu?: string } {
  try {
    const entry = createRequire(import.meta.url).resolve('webgpu');
    const manifest = JSON.parse(readFileSync(join(dirname(entry), 'package.json'), 'utf8')) as { version?: string };
    return manifest.version === undefined ? {} : { webgpu: manifest.version };
  } catch {
    return {}; // not installed here, or its files lie elsewhere: then nothing is said of it
  }
}
