import { readFileSync } from 'node:fs';
import type { SchedulerConfig } from '../src/config.js';

/** 32-bit FNV-1a over bytes, as tools/reference/schedulers.py hashes. */
export function fnv1a(bytes: Uint8Array, seed = 0x811c9dc5): number {
  let value = seed;
  for (const byte of bytes) value = Math.imul(value ^ byte, 0x01000193);
  return value >>> 0;
}

/** The bytes of numbers stored as float32. */
export function float32Bytes(values: Iterable<number>): Uint8Array {
  return new Uint8Array(Float32Array.from(values).buffer);
}

export interface Draw {
  readonly n: number;
  readonly hash: number;
  readonly ends: readonly number[];
}

export interface RandomGoldens {
  readonly torch: readonly { seed: string; dtype: 'float32' | 'float16'; draws: readonly Draw[] }[];
  readonly numpy: readonly { seed: string; draws: readonly Draw[] }[];
}

export interface ScheduleGoldens {
  readonly tables: readonly {
    config: SchedulerConfig;
    hash: number;
    at: readonly number[];
    alphasCumprod: readonly number[];
  }[];
  readonly schedules: readonly {
    scheduler: string;
    config: SchedulerConfig;
    timesteps: readonly number[];
    sigmas: readonly number[];
    oddLengths: readonly number[];
  }[];
}

export interface TrajectoryGolden {
  readonly scheduler: string;
  readonly config: SchedulerConfig;
  readonly steps: number;
  readonly seed: number;
  readonly start?: number;
  readonly eta?: number;
  readonly initNoiseSigma: number;
  readonly first: readonly number[];
  readonly timesteps: readonly number[];
  readonly inputScales: readonly number[];
  readonly path: readonly (readonly number[])[];
  readonly sigmas?: readonly number[];
}

/** Reads a golden file written by tools/reference/schedulers.py. */
export function readGolden<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`goldens/${name}.json`, import.meta.url), 'utf8')) as T;
}
