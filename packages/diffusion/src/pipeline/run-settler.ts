import type { DeviceProfile } from '@pleinair/tensor';
import {
  chooseMemory,
  memoryBudget,
  memoryModes,
  memoryPolicy,
  type MemoryMode,
  type MemoryPolicy,
} from '../parts/memory-policy.js';
import type { PartForm } from '../parts/part-plans.js';
import type { PartSpec } from '../parts/part-spec.js';
import type { PipelineShape } from '../parts/pipeline-shape.js';
import { peakBytes } from '../parts/plan-parts.js';
import { settleEncoder, settleVae, type VaeMode } from '../parts/vae-tiling.js';
import { planOrSayWhatFits } from '../parts/what-fits.js';
import type { PipelineParts } from './pipeline-parts.js';

/** Which halves of the VAE a run needs. */
export interface HalvesNeeded {
  readonly decodes: boolean;
  readonly encodes: boolean;
}

/** How a shape is run: encoded and decoded, and what stays on the GPU. */
export interface SettledRun {
  readonly shape: PipelineShape;
  readonly policy: MemoryPolicy;
}

/** Settles with the adapter in view how shapes are run: in which memory mode, and whether in bands. */
export class RunSettler {
  private readonly settled = new Map<string, SettledRun>();
  /** Modes that `auto` may take: those that ran out of memory are gone. */
  private modes: readonly MemoryMode[] = memoryModes;

  constructor(
    private readonly profile: DeviceProfile,
    private readonly specs: readonly PartSpec[],
    private readonly parts: Pick<PipelineParts, 'plan'>,
    private readonly options: { readonly memory: MemoryMode | 'auto'; readonly vae: VaeMode },
  ) {}

  /** The mode of most memory that is left. */
  get most(): MemoryMode {
    return this.modes.at(-1)!;
  }

  /** Has `auto` choose from the modes that take less. False where the mode is fixed, or none takes less. */
  takeLess(than: MemoryMode): boolean {
    if (this.options.memory !== 'auto' || than === 'low') return false;
    this.settled.clear();
    this.modes = memoryModes.slice(0, memoryModes.indexOf(than));
    return true;
  }

  /** Names of the parts that a run needs, in the order in which they work. */
  needed({ decodes, encodes }: HalvesNeeded): string[] {
    return this.specs
      .filter(({ kind }) => (kind !== 'vae-encoder' || encodes) && (kind !== 'vae-decoder' || decodes))
      .map(({ name }) => name);
  }

  /** Settles how a shape is run, once. */
  settle(shape: PipelineShape, halves: HalvesNeeded): SettledRun {
    const key = JSON.stringify([shape, halves]);
    const known = this.settled.get(key);
    if (known) return known;
    const fitted = new Map<MemoryMode, PipelineShape>();
    const fit = (mode: MemoryMode): PipelineShape => {
      const fitting = fitted.get(mode) ?? this.fitting(shape, halves, memoryPolicy(mode));
      fitted.set(mode, fitting);
      return fitting;
    };
    const { memory } = this.options;
    const mode = memory === 'auto' ? this.chooseMode(halves, fit) : memory;
    const settled = { shape: fit(mode), policy: memoryPolicy(mode) };
    this.settled.set(key, settled);
    return settled;
  }

  private chooseMode(halves: HalvesNeeded, fit: (mode: MemoryMode) => PipelineShape): MemoryMode {
    const { profile, specs: all } = this;
    const specs = all.filter(({ name }) => this.needed(halves).includes(name));
    return chooseMemory(profile, (mode) => {
      if (!this.modes.includes(mode)) return Infinity;
      // A UNet beyond it needs no further plans, which would be for nothing.
      const denoiser = specs.find(({ kind }) => kind === 'denoiser')!;
      const least = this.parts.plan(fit('low'), denoiser.name).weightsBytes;
      if (least > memoryBudget(profile)) return least;
      const policy = memoryPolicy(mode);
      const { transformedWeights } = policy;
      const planned = specs.map(({ kind, name }) => ({
        kind,
        plan: this.parts.plan(fit(mode), name, { transformedWeights }),
      }));
      return peakBytes(planned, policy);
    });
  }

  /**
   * Settles how a shape is encoded and decoded and plans the large parts for the adapter: a tensor beyond its limits throws
   * here, not after minutes of work, and the error says what fits.
   */
  fitting(shape: PipelineShape, halves: HalvesNeeded, policy: MemoryPolicy): PipelineShape {
    const { profile } = this;
    const { vae } = this.options;
    const { mode: memory, transformedWeights } = policy;
    const how = { vae, memory, profile };
    const planned: PartForm = (each, part) => this.parts.plan(each, part, { transformedWeights });
    const wanted = this.needed(halves);
    return planOrSayWhatFits(shape, (each) => {
      const settled: PipelineShape = {
        ...each,
        ...(halves.decodes && settleVae(each, planned, how) === 'tiled' && { vae: 'tiled' }),
        ...(halves.encodes && settleEncoder(each, planned, how) === 'tiled' && { encoder: 'tiled' }),
      };
      for (const { name, kind } of this.specs) {
        if (kind !== 'text-encoder' && wanted.includes(name)) planned(settled, name);
      }
      return settled;
    });
  }
}
