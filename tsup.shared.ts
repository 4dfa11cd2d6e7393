import { defineConfig, type Options } from 'tsup';

/**
 * The one way every package here is built: ESM only, typed, with source maps, dependencies left external.
 *
 * @param entry - Entry files by the subpath they serve, e.g. `{ index: 'src/index.ts' }`.
 */
export function packageConfig(entry: Record<string, string>, overrides: Options = {}): ReturnType<typeof defineConfig> {
  return defineConfig({
    entry,
    format: 'esm',
    target: 'es2022',
    platform: 'neutral',
    dts: { compilerOptions: { customConditions: [], ignoreDeprecations: '6.0' } },
    sourcemap: true,
    clean: true,
    treeshake: true,
    external: [/^@pleinair\//, /^node:/],
    ...overrides,
  });
}
