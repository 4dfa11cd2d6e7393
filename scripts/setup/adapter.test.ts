import { expect, it } from 'vitest';
import { readProbe } from './adapter.mjs';

const run = (stdout: string, more = {}) => ({ code: 0, signal: null, stdout, output: stdout, ...more });

it('reads an adapter, whatever Dawn prints around the answer', () => {
  const answer = 'Warning: x\n\npleinair-adapter:{"found":true,"description":"llvmpipe: Mesa 25","software":true}\n';
  expect(readProbe(run(answer)).adapter).toEqual({ name: 'llvmpipe: Mesa 25', software: true });
});

it('names an adapter without a description by its vendor', () => {
  const answer =
    'pleinair-adapter:{"found":true,"vendor":"nvidia","architecture":"hopper","description":"","software":false}';
  expect(readProbe(run(answer)).adapter).toEqual({ name: 'nvidia hopper', software: false });
});

it("gives Dawn's reasons once each, without its remarks on limits", () => {
  const output = [
    'Warning: Vulkan shaderUniform*ArrayDynamicIndexing required.',
    ' - While initializing adapter (backend=BackendType::Vulkan)',
    'Warning: maxDynamicUniformBuffersPerPipelineLayout artificially reduced from 1000000 to 16',
    'Warning: Vulkan shaderUniform*ArrayDynamicIndexing required.',
  ].join('\n');
  const result = readProbe(run('pleinair-adapter:{"found":false}', { output }));
  expect(result).toEqual({
    adapter: undefined,
    reason: 'Warning: Vulkan shaderUniform*ArrayDynamicIndexing required.',
  });
});

it('repeats why Dawn could not be loaded', () => {
  const answer = 'pleinair-adapter:{"found":false,"error":"version `GLIBC_2.34\' not found"}';
  expect(readProbe(run(answer)).reason).toContain('GLIBC_2.34');
});

it('survives a driver that crashes', () => {
  expect(readProbe(run('', { code: 1, signal: 'SIGSEGV' })).reason).toContain('SIGSEGV');
});
