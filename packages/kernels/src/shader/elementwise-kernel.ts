import type { Kernel } from '@pleinair/tensor';
import { composeKernel, type KernelParts } from './compose.js';
import { groupIndexText } from './grid.js';

/** Invocations a workgroup of kernels that do one small thing per invocation. */
export const elementLanes = 64;

/**
 * A kernel with one invocation per item `i`, 0 ≤ i < `u.count`; the uniform block must have a `count: u32`.
 *
 * @param step - WGSL statements for one item.
 */
export function elementKernel(parts: Omit<KernelParts, 'body'>, step: string, functions = ''): Kernel {
  return composeKernel({
    ...parts,
    body: `${functions}
@compute @workgroup_size(${elementLanes})
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let i = (${groupIndexText}) * ${elementLanes}u + lane;
  if (i >= u.count) { return; }
${step}
}`,
  });
}
