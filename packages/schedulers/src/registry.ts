import { ConfigReader, type SchedulerConfig } from './config.js';
import { ddim } from './ddim.js';
import { dpmSolverMultistep } from './dpm-solver-multistep.js';
import { SchedulerError } from './errors.js';
import { euler, eulerAncestral } from './euler.js';
import { heun } from './heun.js';
import type { Scheduler } from './plan.js';
import { pndm } from './pndm.js';

const CLASSES = {
  DDIMScheduler: ddim,
  DPMSolverMultistepScheduler: dpmSolverMultistep,
  EulerAncestralDiscreteScheduler: eulerAncestral,
  EulerDiscreteScheduler: euler,
  HeunDiscreteScheduler: heun,
  PNDMScheduler: pndm,
} as const satisfies Record<string, (reader: ConfigReader) => Scheduler>;

type ClassName = keyof typeof CLASSES;

/** A class by another name, and what that name says about its configuration. */
interface Alias {
  readonly className: ClassName;
  /** Replaces the configuration's keys. Order 2 is what "2M" means. */
  readonly fixed?: SchedulerConfig;
  /** Stands where the configuration is silent. */
  readonly missing?: SchedulerConfig;
}

/**
 * Short names. A folder's configuration is written for one class and may lack what another needs: asked by short name
 * these two do what latent diffusion means by them, not what the class assumes of a missing key (pixels to clip, Runge-Kutta
 * steps first). By class name a missing key keeps diffusers' meaning.
 */
const ALIASES: Readonly<Record<string, Alias>> = {
  ddim: { className: 'DDIMScheduler', missing: { clip_sample: false } },
  euler: { className: 'EulerDiscreteScheduler' },
  'euler-karras': { className: 'EulerDiscreteScheduler', fixed: { use_karras_sigmas: true } },
  'euler-ancestral': { className: 'EulerAncestralDiscreteScheduler' },
  heun: { className: 'HeunDiscreteScheduler' },
  pndm: { className: 'PNDMScheduler', missing: { skip_prk_steps: true } },
  'dpmpp-2m': { className: 'DPMSolverMultistepScheduler', fixed: { algorithm_type: 'dpmsolver++', solver_order: 2 } },
  'dpmpp-2m-karras': {
    className: 'DPMSolverMultistepScheduler',
    fixed: { algorithm_type: 'dpmsolver++', solver_order: 2, use_karras_sigmas: true },
  },
};

/** Keys laid over a configuration. `scheduler` names another class or short name than `_class_name`. */
export type SchedulerOverrides = SchedulerConfig & { readonly scheduler?: string };

/** Every name {@link schedulerFromConfig} takes: short names first, then diffusers class names. */
export function schedulerNames(): string[] {
  return [...Object.keys(ALIASES), ...Object.keys(CLASSES)];
}

/**
 * Builds a scheduler from a diffusers configuration, as `Class.from_config(config, **overrides)` would.
 *
 * @param config - Contents of `scheduler_config.json` (see {@link parseSchedulerConfig}).
 * @param overrides - Keys that replace the configuration's; `scheduler` picks the class, by short name or class name.
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
      `scheduler: expected a name, got a configuration without "_class_name". Use one of ${schedulerNames().join(', ')}.`,
    );
  }
  const alias = Object.hasOwn(ALIASES, name) ? ALIASES[name]! : undefined;
  const className = alias?.className ?? name;
  if (!isClassName(className)) {
    throw new SchedulerError(
      'scheduler/unknown',
      `scheduler: expected a known name, got "${name}". Use one of ${schedulerNames().join(', ')}.`,
    );
  }
  return CLASSES[className](new ConfigReader({ ...alias?.missing, ...config, ...alias?.fixed, ...keys }, className));
}

function isClassName(name: string): name is ClassName {
  return Object.hasOwn(CLASSES, name);
}
