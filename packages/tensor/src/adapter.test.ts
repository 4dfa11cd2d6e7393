import { build } from 'esbuild';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { describeAdapter, NoAdapterError, requestDevice, type PleinairError } from './index.js';

/** A WebGPU that is there but has no adapter, as browsers without a usable GPU have. */
const empty = { requestAdapter: () => Promise.resolve(null) } as unknown as GPU;

describe('no adapter', () => {
  test('is a typed error with the cure for the platform', async () => {
    const error = await requestDevice({ gpu: empty }).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(NoAdapterError);
    expect((error as PleinairError).code).toBe('device/no-adapter');
    if (process.platform === 'linux') expect(String(error)).toMatch(/mesa-vulkan-drivers/);
    await expect(describeAdapter({ gpu: empty, fallback: true })).rejects.toThrow(/software adapter/);
  });

  test('is what Dawn finds on a machine without drivers', async () => {
    // The Vulkan loader reads these when Dawn first starts in this process; vitest gives every file a process of its own.
    process.env.VK_DRIVER_FILES = process.env.VK_ICD_FILENAMES = '/nonexistent/driver.json';
    if (process.platform !== 'linux') return;
    await expect(requestDevice()).rejects.toBeInstanceOf(NoAdapterError);
  });
});

test('a profile lists the matrix shapes of floats, as Dawn names them, and only those', async () => {
  const adapter = {
    features: new Set(['shader-f16', 'subgroups', 'chromium-experimental-subgroup-matrix']),
    limits: {},
    info: {
      vendor: 'a maker',
      architecture: '',
      device: '',
      description: '',
      isFallbackAdapter: false,
      subgroupMinSize: 32,
      subgroupMaxSize: 32,
      subgroupMatrixConfigs: [
        { componentType: 'f16', resultComponentType: 'f32', M: 16, N: 8, K: 16 },
        { componentType: 'i8', resultComponentType: 'i32', M: 16, N: 16, K: 32 },
        { componentType: 'f32', resultComponentType: 'f32', M: 8, N: 8, K: 8 },
      ],
    },
  };
  const gpu = { requestAdapter: () => Promise.resolve(adapter), wgslLanguageFeatures: new Set() } as unknown as GPU;
  const { profile } = await describeAdapter({ gpu });
  expect(profile.features.subgroupMatrix).toBe(true);
  expect(profile.subgroupMatrixShapes).toEqual([
    { component: 'f16', result: 'f32', m: 16, n: 8, k: 16 },
    { component: 'f32', result: 'f32', m: 8, n: 8, k: 8 },
  ]);
});

test.each([false, true])('the package bundles for browsers, without the native one (minified: %s)', async (minify) => {
  const entry = fileURLToPath(new URL('./index.ts', import.meta.url));
  const { outputFiles, warnings, metafile } = await build({
    entryPoints: [entry],
    bundle: true,
    platform: 'browser',
    format: 'esm',
    write: false,
    minify,
    metafile: true,
    logLevel: 'silent',
  });
  expect(warnings).toEqual([]);
  expect(Object.keys(metafile.inputs).filter((path) => path.includes('node_modules'))).toEqual([]);
  if (!minify) expect(outputFiles[0]!.text).not.toMatch(/from\s*["']webgpu["']|import\(["']webgpu["']\)/);
});
