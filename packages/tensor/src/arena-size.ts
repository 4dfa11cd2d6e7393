import { alignUp } from './planner.js';
import type { DeviceProfile } from './profile.js';

/** Bytes really allocated for a buffer of this content: at least one vec4 of f32, so that empty tensors can be bound. */
export function allocationBytes(bytes: number): number {
  return alignUp(Math.max(bytes, 16), 16);
}

/** What every offset in the arena is a multiple of. */
export function arenaAlignment(profile: DeviceProfile): number {
  return Math.max(profile.limits.minStorageBufferOffsetAlignment, 16);
}

/** The arena is one buffer up to this size, and else cut at its multiples. */
export function arenaPageBytes(profile: DeviceProfile): number {
  const alignment = arenaAlignment(profile);
  return Math.floor(profile.limits.maxBufferSize / alignment) * alignment;
}
