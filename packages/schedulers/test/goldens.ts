import { readFileSync } from 'node:fs';
import type { SchedulerConfig } from '../src/config.js';
import type { TorchDtype } from '../src/random/torch-cpu.js';

/** 32-bit FNV-1a over bytes, as tools/reference/schedulers.py hashes. */
export function fnv1a(bytes: Uint8Array): number {
  let value = 0x811c9dc5;
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
  readonly torch: readonly { seed: string; dtype: TorchDtype; draws: readonly Draw[] }[];
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
    config: SchedulerConfig;
    /** Numbers of steps for which diffusers lays out one timestep too many; in no group. */
    odd: readonly number[];
    /** Numbers of steps, a hash of all their timesteps and the sum of all their sigmas. */
    groups: readonly { steps: readonly number[]; timesteps: number | null; sigmas: number }[];
  }[];
}

export interface TrajectoryGolden {
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

/** A whole run, packed: the first latents, then those after the first, middle and last evaluation. */
export interface SolverGolden {
  readonly class: string;
  /** Beside SDXL's noise schedule, which the EDM classes have none of. */
  readonly config: SchedulerConfig;
  readonly steps: number;
  readonly start?: number;
  readonly eta?: number;
  readonly customTimesteps?: readonly number[];
  readonly customSigmas?: readonly number[];
  readonly first: readonly number[];
  readonly timesteps: readonly number[];
  /** Sum of the input scales. */
  readonly scale: number;
  readonly path: readonly (readonly number[])[];
}

function text(name: string): string {
  return readFileSync(new URL(`goldens/${name}.json`, import.meta.url), 'utf8');
}

/** Normals, from tools/reference/schedulers.py. */
export function readRandom(): RandomGoldens {
  return JSON.parse(text('random'));
}

/** float16 normals of old torch, from tools/reference/torch_half_normals.py. */
export function readRandomHalf(): Pick<RandomGoldens, 'torch'> {
  return JSON.parse(text('random-half'));
}

/** Timesteps and noise levels, from tools/reference/schedulers.py. */
export function readSchedules(): ScheduleGoldens {
  return JSON.parse(text('schedules'));
}

/** Whole runs, from tools/reference/schedulers.py. */
export function readTrajectories(): { readonly cases: readonly TrajectoryGolden[] } {
  return JSON.parse(text('trajectories'));
}

/** Whole runs, from tools/reference/scheduler_solvers.py. */
export function readSolvers(): { readonly cases: readonly SolverGolden[] } {
  return JSON.parse(text('solvers'));
}
