import { defaultProfile } from '@pleinair/tensor';
import { expect, it } from 'vitest';
import { fmaLoops } from './fma-loops.js';

const f16 = { ...defaultProfile, features: { ...defaultProfile.features, shaderF16: true } };
const f32 = { ...defaultProfile, features: { ...defaultProfile.features, shaderF16: false } };

it('has as many multiply-adds in its text as it counts', () => {
  for (const { wgsl, perTurn } of fmaLoops(f16)) {
    const width = /var a0 = vec4/.test(wgsl) ? 4 : 1;
    expect(wgsl.match(/fma\(/g)!.length * width).toBe(perTurn);
  }
});

it('tries halves only where shaders may use them, and no workgroup beyond the limit', () => {
  expect(new Set(fmaLoops(f16).map(({ dtype }) => dtype))).toEqual(new Set(['f32', 'f16']));
  expect(fmaLoops(f32).every(({ dtype, wgsl }) => dtype === 'f32' && !wgsl.includes('f16'))).toBe(true);
  const small = { ...f32, limits: { ...f32.limits, maxComputeInvocationsPerWorkgroup: 128 } };
  expect(fmaLoops(small).every(({ workgroupSize }) => workgroupSize <= 128)).toBe(true);
});
