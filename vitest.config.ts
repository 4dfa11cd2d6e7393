import { defineConfig } from 'vitest/config';

// Tests and type checks read sources directly (the `pleinair-source` export condition), so neither needs a build.
const conditions = ['pleinair-source', 'module', 'import', 'default'];
const resolve = { conditions };
const ssr = { resolve: { conditions, externalConditions: conditions }, noExternal: [/^@pleinair\//, 'pleinair'] };

// One software adapter per project: the Vulkan loader reads the variable when Dawn first starts in the worker.
// Which driver file each has is found by scripts/test.mjs; a project whose driver is missing is left out, aloud.
const adapters = [
  ['lavapipe', process.env.PLEINAIR_LAVAPIPE_ICD],
  ['swiftshader', process.env.PLEINAIR_SWIFTSHADER_ICD],
] as const;

const gpuProjects = adapters
  .filter(([, driver]) => driver)
  .map(([name, driver]) => ({
    resolve,
    ssr,
    test: {
      name,
      include: ['packages/*/{src,test}/**/*.gpu.test.ts'],
      pool: 'forks' as const,
      maxWorkers: 1,
      isolate: false,
      env: { VK_DRIVER_FILES: driver!, VK_ICD_FILENAMES: driver!, PLEINAIR_TEST_ADAPTER: name },
      testTimeout: 120_000,
      hookTimeout: 120_000,
    },
  }));

export default defineConfig({
  test: {
    projects: [
      {
        resolve,
        ssr,
        test: {
          name: 'node',
          include: ['packages/*/{src,test}/**/*.test.ts', 'scripts/**/*.test.ts', 'bench/**/*.test.ts'],
          exclude: ['**/*.gpu.test.ts', '**/*.browser.test.ts', '**/*.slow.test.ts', '**/node_modules/**'],
          testTimeout: 30_000,
        },
      },
      ...gpuProjects,
    ],
  },
});
