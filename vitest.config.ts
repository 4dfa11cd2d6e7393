import { playwright } from '@vitest/browser-playwright';
import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config';
import { sampleModules } from './docs/test/sample-modules.js';
import { hubCommands } from './packages/testing/src/hub/browser-commands.js';
import { chromiumArguments } from './scripts/setup/chromium-arguments.mjs';

// Tests and type checks read sources directly (the `pleinair-source` export condition), so neither needs a build.
const conditions = ['pleinair-source', 'module', 'import', 'default'];
const resolve = { conditions };
const ssr = { resolve: { conditions, externalConditions: conditions }, noExternal: [/^@pleinair\//, 'pleinair'] };

const tests = (ending: string) => [`{packages,apps}/*/{src,test}/**/*${ending}`, `docs/test/**/*${ending}`];
const notTests = ['**/node_modules/**', '**/dist/**'];

// What there is on this machine comes from scripts/test.mjs, which says aloud what it leaves out and why. Started by
// hand (`npx vitest`), a project runs where its variable is set.
// e2e also needs the packages' builds.
const { PLEINAIR_LAVAPIPE_ICD, PLEINAIR_SWIFTSHADER_ICD, PLEINAIR_GPU, PLEINAIR_CHROMIUM, PLEINAIR_SLOW } = process.env;

/** The Vulkan loader reads these when Dawn first starts in a worker: one driver a project. */
const driver = (name: string, file: string | undefined) => ({
  ...(file ? { VK_DRIVER_FILES: file, VK_ICD_FILENAMES: file } : {}),
  PLEINAIR_TEST_ADAPTER: name,
});

/** GPU tests on one adapter: one worker for all files, so that they share its device and pipelines. */
const gpuProject = (name: string, file: string | undefined, groupOrder: number): TestProjectInlineConfiguration => ({
  resolve,
  ssr,
  test: {
    name,
    include: [...tests('.gpu.test.ts'), 'bench/**/*.gpu.test.ts'],
    exclude: notTests,
    pool: 'forks',
    maxWorkers: 1,
    isolate: false,
    env: driver(name, file),
    testTimeout: 600_000,
    hookTimeout: 600_000,
    sequence: { groupOrder },
  },
});

/** Hours, not seconds: full-size parts with random weights, on whatever adapter is there. */
const slowProject: TestProjectInlineConfiguration = {
  resolve,
  ssr,
  test: {
    name: 'slow',
    include: [...tests('.slow.test.ts'), 'bench/**/*.slow.test.ts', 'tests/**/*.slow.test.ts'],
    exclude: notTests,
    pool: 'forks',
    maxWorkers: 1,
    env: driver(PLEINAIR_GPU ? 'gpu' : 'lavapipe', PLEINAIR_GPU ? undefined : PLEINAIR_LAVAPIPE_ICD),
    testTimeout: 4 * 3_600_000,
    hookTimeout: 3_600_000,
    sequence: { groupOrder: 5 },
  },
};

const browserProject = (executablePath: string): TestProjectInlineConfiguration => ({
  // The documents' samples, as modules of a page.
  plugins: [sampleModules()],
  resolve: { conditions: [...conditions, 'browser'] },
  // Only Node loads Dawn; bundling it for the browser cannot work.
  optimizeDeps: { exclude: ['webgpu'] },
  test: {
    name: 'browser',
    include: tests('.browser.test.ts'),
    exclude: notTests,
    testTimeout: 600_000,
    hookTimeout: 120_000,
    sequence: { groupOrder: 4 },
    browser: {
      enabled: true,
      headless: true,
      screenshotFailures: false,
      // Servers run here, beside the browser: tests in it start and stop them by these.
      commands: hubCommands(),
      provider: playwright({ launchOptions: { executablePath, args: [...chromiumArguments] } }),
      instances: [{ browser: 'chromium' }],
    },
  },
});

/** Things as people get them: packed packages, built pages, in Chromium. Needs the packages built. */
const e2eProject: TestProjectInlineConfiguration = {
  resolve,
  ssr,
  test: {
    name: 'e2e',
    include: [...tests('.e2e.test.ts'), 'tests/**/*.e2e.test.ts'],
    exclude: notTests,
    pool: 'forks',
    maxWorkers: 1,
    env: driver('lavapipe', PLEINAIR_LAVAPIPE_ICD),
    testTimeout: 300_000,
    hookTimeout: 300_000,
    sequence: { groupOrder: 6 },
  },
};

export default defineConfig({
  test: {
    projects: [
      {
        resolve,
        ssr,
        test: {
          name: 'node',
          include: [...tests('.test.ts'), 'scripts/**/*.test.ts', 'bench/**/*.test.ts'],
          exclude: [...['gpu', 'browser', 'slow', 'e2e'].map((kind) => `**/*.${kind}.test.ts`), ...notTests],
          testTimeout: 30_000,
          sequence: { groupOrder: 0 },
        },
      },
      ...(PLEINAIR_LAVAPIPE_ICD ? [gpuProject('lavapipe', PLEINAIR_LAVAPIPE_ICD, 1)] : []),
      ...(PLEINAIR_SWIFTSHADER_ICD ? [gpuProject('swiftshader', PLEINAIR_SWIFTSHADER_ICD, 2)] : []),
      ...(PLEINAIR_GPU ? [gpuProject('gpu', undefined, 3)] : []),
      ...(PLEINAIR_CHROMIUM ? [browserProject(PLEINAIR_CHROMIUM)] : []),
      ...(PLEINAIR_SLOW ? [slowProject] : []),
      ...(PLEINAIR_CHROMIUM ? [e2eProject] : []),
    ],
  },
});
