import type { SchedulerConfig } from './config.js';

/** A class by a short name, and what that name says about its configuration. */
export interface ShortName {
  /** The diffusers class. */
  readonly className: string;
  /** What AUTOMATIC1111's web UI calls it, first, and other names it is known by. */
  readonly aliases: readonly string[];
  /** Order of the solver's error. */
  readonly order: number;
  /** Evaluations of the model in a step. The last step of two takes one. */
  readonly evaluations: 1 | 2;
  /** Draws noise after the first latents: a picture goes on changing with more steps. */
  readonly stochastic: boolean;
  /** When to use it, in a few words. */
  readonly use: string;
  /** Replaces the configuration's keys. Order 2 is what "2M" means. */
  readonly fixed?: SchedulerConfig;
  /** Stands where the configuration is silent. */
  readonly missing?: SchedulerConfig;
  /** The class has Karras, exponential and beta sigmas, so that names may end in them. */
  readonly spreads: boolean;
}

/**
 * Short names. A folder's configuration is written for one class and may lack what another needs: asked by short name
 * classes do what latent diffusion means by them, not what they assume of a missing key (pixels to clip, Runge-Kutta
 * steps first). By class name a missing key keeps diffusers' meaning.
 */
export const SHORT_NAMES: Readonly<Record<string, ShortName>> = {
  euler: {
    className: 'EulerDiscreteScheduler',
    aliases: ['Euler'],
    order: 1,
    evaluations: 1,
    stochastic: false,
    use: 'plain and predictable; 20 to 30 steps; distilled models',
    spreads: true,
  },
  'euler-ancestral': {
    className: 'EulerAncestralDiscreteScheduler',
    aliases: ['Euler a'],
    order: 1,
    evaluations: 1,
    stochastic: true,
    use: 'soft, varied pictures; 20 to 40 steps; SDXL-Turbo',
    spreads: false,
  },
  heun: {
    className: 'HeunDiscreteScheduler',
    aliases: ['Heun'],
    order: 2,
    evaluations: 2,
    stochastic: false,
    use: 'precise with few steps, at twice the cost of a step',
    spreads: true,
  },
  lms: {
    className: 'LMSDiscreteScheduler',
    aliases: ['LMS'],
    order: 4,
    evaluations: 1,
    stochastic: false,
    use: 'the classic of SD 1.x; 30 steps and more',
    spreads: true,
  },
  dpm2: {
    className: 'KDPM2DiscreteScheduler',
    aliases: ['DPM2', 'dpm-2'],
    order: 2,
    evaluations: 2,
    stochastic: false,
    use: 'as Heun, the second look half way',
    spreads: true,
  },
  'dpm2-ancestral': {
    className: 'KDPM2AncestralDiscreteScheduler',
    aliases: ['DPM2 a', 'dpm-2-ancestral'],
    order: 2,
    evaluations: 2,
    stochastic: true,
    use: 'as Euler a, with more detail at twice the cost',
    spreads: true,
  },
  'dpmpp-2m': {
    className: 'DPMSolverMultistepScheduler',
    aliases: ['DPM++ 2M'],
    order: 2,
    evaluations: 1,
    stochastic: false,
    use: 'the one to start with, with Karras sigmas: good from 15 steps',
    fixed: { algorithm_type: 'dpmsolver++', solver_order: 2 },
    spreads: true,
  },
  'dpmpp-2m-sde': {
    className: 'DPMSolverMultistepScheduler',
    aliases: ['DPM++ 2M SDE'],
    order: 2,
    evaluations: 1,
    stochastic: true,
    use: 'fine texture; 25 steps and more, Karras or exponential sigmas',
    fixed: { algorithm_type: 'sde-dpmsolver++', solver_order: 2 },
    spreads: true,
  },
  'dpmpp-2m-sde-heun': {
    className: 'DPMSolverMultistepScheduler',
    aliases: ['DPM++ 2M SDE Heun'],
    order: 2,
    evaluations: 1,
    stochastic: true,
    use: 'as DPM++ 2M SDE, differences weighted exactly',
    fixed: { algorithm_type: 'sde-dpmsolver++', solver_order: 2, solver_type: 'heun' },
    spreads: true,
  },
  'dpmpp-3m-sde': {
    className: 'DPMSolverMultistepScheduler',
    aliases: ['DPM++ 3M SDE'],
    order: 3,
    evaluations: 1,
    stochastic: true,
    use: 'many steps (40 and more), low guidance',
    fixed: { algorithm_type: 'sde-dpmsolver++', solver_order: 3 },
    spreads: true,
  },
  'dpmpp-sde': {
    className: 'DPMSolverSDEScheduler',
    aliases: ['DPM++ SDE'],
    order: 2,
    evaluations: 2,
    stochastic: true,
    use: 'detail with few steps (10 to 15), at twice the cost of a step',
    spreads: true,
  },
  unipc: {
    className: 'UniPCMultistepScheduler',
    aliases: ['UniPC', 'uni-pc'],
    order: 2,
    evaluations: 1,
    stochastic: false,
    use: 'very few steps: good from 10',
    spreads: true,
  },
  deis: {
    className: 'DEISMultistepScheduler',
    aliases: ['DEIS'],
    order: 2,
    evaluations: 1,
    stochastic: false,
    use: 'few steps; leaves the least noise of training in',
    spreads: true,
  },
  ddim: {
    className: 'DDIMScheduler',
    aliases: ['DDIM'],
    order: 1,
    evaluations: 1,
    stochastic: false,
    use: 'inversion and editing; eta makes it random',
    missing: { clip_sample: false },
    spreads: false,
  },
  ddpm: {
    className: 'DDPMScheduler',
    aliases: ['DDPM'],
    order: 1,
    evaluations: 1,
    stochastic: true,
    use: 'as trained; a hundred steps and more',
    missing: { clip_sample: false },
    spreads: false,
  },
  pndm: {
    className: 'PNDMScheduler',
    aliases: ['PLMS', 'PNDM'],
    order: 4,
    evaluations: 1,
    stochastic: false,
    use: 'the default of SD 1.x; 30 steps and more',
    missing: { skip_prk_steps: true },
    spreads: false,
  },
  lcm: {
    className: 'LCMScheduler',
    aliases: ['LCM'],
    order: 1,
    evaluations: 1,
    stochastic: true,
    use: 'models distilled for it (LCM): 4 to 8 steps, little or no guidance',
    spreads: false,
  },
  tcd: {
    className: 'TCDScheduler',
    aliases: ['TCD'],
    order: 1,
    evaluations: 1,
    stochastic: true,
    use: 'models distilled for it (TCD, Hyper-SD): 1 to 8 steps; eta is γ',
    spreads: false,
  },
};

/** Endings of names, what AUTOMATIC1111 calls them, and the keys they mean. */
const ENDINGS: Readonly<Record<string, { readonly needsSpread: boolean; readonly fixed: SchedulerConfig }>> = {
  karras: { needsSpread: true, fixed: only('use_karras_sigmas') },
  exponential: { needsSpread: true, fixed: only('use_exponential_sigmas') },
  beta: { needsSpread: true, fixed: only('use_beta_sigmas') },
  'sgm-uniform': { needsSpread: false, fixed: { timestep_spacing: 'trailing' } },
  trailing: { needsSpread: false, fixed: { timestep_spacing: 'trailing' } },
};

/** One spacing of sigmas, whatever the configuration has. */
function only(key: string): SchedulerConfig {
  return { use_karras_sigmas: false, use_exponential_sigmas: false, use_beta_sigmas: false, [key]: true };
}

/** What a name means: a class, keys that replace the configuration's, and keys for where it is silent. */
export interface ResolvedName {
  readonly className: string;
  readonly fixed: SchedulerConfig;
  readonly missing: SchedulerConfig;
}

/**
 * Resolves a short name, in our spelling, AUTOMATIC1111's or ComfyUI's, with an ending for the spacing or without:
 * "dpmpp-2m-karras", "DPM++ 2M Karras" and "dpmpp_2m karras" are one.
 */
export function resolveName(name: string): ResolvedName | undefined {
  const words = normalized(name);
  for (const [short, entry] of Object.entries(SHORT_NAMES)) {
    for (const spelling of [short, ...entry.aliases.map(normalized)]) {
      if (words !== spelling && !words.startsWith(`${spelling}-`)) continue;
      const ending = words.slice(spelling.length + 1);
      const meaning = Object.hasOwn(ENDINGS, ending) ? ENDINGS[ending]! : undefined;
      if (ending !== '' && (!meaning || (meaning.needsSpread && !entry.spreads))) continue;
      const fixed = { ...entry.fixed, ...meaning?.fixed };
      return { className: entry.className, fixed, missing: entry.missing ?? {} };
    }
  }
  return undefined;
}

function normalized(name: string): string {
  return name
    .trim()
    .toLowerCase()
    .replaceAll('++', 'pp')
    .replace(/[\s_]+/g, '-');
}
