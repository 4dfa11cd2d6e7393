import { ConfigReader, type SchedulerConfig } from './config.js';
import { SchedulerError } from './errors.js';
import { refuseUnknownKeys } from './known-keys.js';
import { resolveName, SHORT_NAMES } from './names.js';
import type { Scheduler } from './plan.js';
import { lcm, tcd } from './solvers/consistency.js';
import { ddim } from './solvers/ddim.js';
import { ddpm } from './solvers/ddpm.js';
import { deis } from './solvers/deis.js';
import { dpmSolverMultistep } from './solvers/dpm-solver-multistep.js';
import { dpmSolverSde } from './solvers/dpm-solver-sde.js';
import { edmDpmSolverMultistep, edmEuler } from './solvers/edm.js';
import { euler, eulerAncestral } from './solvers/euler.js';
import { heun } from './solvers/heun.js';
import { kDpm2, kDpm2Ancestral } from './solvers/k-dpm-2.js';
import { lms } from './solvers/lms.js';
import { pndm } from './solvers/pndm.js';
import { unipc } from './solvers/unipc.js';

const CLASSES = {
  DDIMScheduler: ddim,
  DDPMScheduler: ddpm,
  DEISMultistepScheduler: deis,
  DPMSolverMultistepScheduler: dpmSolverMultistep,
  DPMSolverSDEScheduler: dpmSolverSde,
  EDMDPMSolverMultistepScheduler: edmDpmSolverMultistep,
  EDMEulerScheduler: edmEuler,
  EulerAncestralDiscreteScheduler: eulerAncestral,
  EulerDiscreteScheduler: euler,
  HeunDiscreteScheduler: heun,
  KDPM2AncestralDiscreteScheduler: kDpm2Ancestral,
  KDPM2DiscreteScheduler: kDpm2,
  LCMScheduler: lcm,
  LMSDiscreteScheduler: lms,
  PNDMScheduler: pndm,
  TCDScheduler: tcd,
  UniPCMultistepScheduler: unipc,
} as const satisfies Record<string, (reader: ConfigReader) => Scheduler>;

type ClassName = keyof typeof CLASSES;

/** Keys laid over a configuration. `scheduler` names another class or short name than `_class_name`. */
export type SchedulerOverrides = SchedulerConfig & { readonly scheduler?: string };

/**
 * Names {@link schedulerFromConfig} takes: short names first, then diffusers class names. Beside these it takes
 * AUTOMATIC1111's names ("DPM++ 2M", "Euler a"), and endings for the spacing: `-karras`, `-exponential`, `-beta`,
 * `-sgm-uniform` ("DPM++ 2M Karras"). See {@link listSchedulers}.
 */
export function schedulerNames(): string[] {
  return [...Object.keys(SHORT_NAMES), ...Object.keys(CLASSES)];
}

/** A scheduler as a list for people shows it. */
export interface SchedulerEntry {
  /** The short name. */
  readonly name: string;
  /** The diffusers class. */
  readonly className: string;
  /** AUTOMATIC1111's name, and others it is known by. */
  readonly aliases: readonly string[];
  /** Order of the solver's error. */
  readonly order: number;
  /** Evaluations of the model in a step. */
  readonly evaluations: number;
  /** Draws noise at its steps. */
  readonly stochastic: boolean;
  /** Names may end in `-karras`, `-exponential` or `-beta`. */
  readonly spreads: boolean;
  /** When to use it. */
  readonly use: string;
}

/** All schedulers that have a short name, with what is to know for choosing one. */
export function listSchedulers(): SchedulerEntry[] {
  return Object.entries(SHORT_NAMES).map(([name, entry]) => {
    const { className, aliases, order, evaluations, stochastic, spreads, use } = entry;
    return { name, className, aliases, order, evaluations, stochastic, spreads, use };
  });
}

/**
 * Builds a scheduler from a diffusers configuration, as `Class.from_config(config, **overrides)` would.
 *
 * @param config - Contents of `scheduler_config.json` (see {@link parseSchedulerConfig}).
 * @param overrides - Keys that replace the configuration's; `scheduler` picks the class, by short name, AUTOMATIC1111's
 *   name or class name.
 * @throws SchedulerError `scheduler/unknown` (listing the known names), `scheduler/config`, `scheduler/unsupported`.
 *
 * @example
 * ```ts
 * const scheduler = schedulerFromConfig(config, { scheduler: 'dpmpp-2m-karras' });
 * const { initNoiseSigma, evaluations } = scheduler.plan(20);
 * ```
 */
export function schedulerFromConfig(config: SchedulerConfig, overrides: SchedulerOverrides = {}): Scheduler {
  const { scheduler: asked, ...keys } = overrides;
  const name = asked ?? keys['_class_name'] ?? config['_class_name'];
  if (typeof name !== 'string') {
    throw new SchedulerError(
      'scheduler/unknown',
      `scheduler: expected a name, got a configuration without "_class_name". ${choices()}`,
    );
  }
  const short = isClassName(name) ? undefined : resolveName(name);
  const className = short?.className ?? name;
  if (!isClassName(className)) {
    throw new SchedulerError('scheduler/unknown', `scheduler: expected a known name, got "${name}". ${choices()}`);
  }
  const whole = { ...short?.missing, ...config, ...short?.fixed, ...keys };
  refuseUnknownKeys(className, config, keys);
  return CLASSES[className](new ConfigReader(whole, className));
}

function choices(): string {
  return (
    `Use one of ${schedulerNames().join(', ')}, or AUTOMATIC1111's name; most take an ending for the noise levels: ` +
    '-karras, -exponential, -beta.'
  );
}

function isClassName(name: string): name is ClassName {
  return Object.hasOwn(CLASSES, name);
}
