import { branchOf, type LowRankLookup, type PackedPiece, type Weight } from '@pleinair/tensor';
import {
  AdapterError,
  branchPieces,
  branchRank,
  loraMerge,
  palettizedEntries,
  type Component,
  type LoraModule,
  type ReadOptions,
  type WeightMerge,
} from '@pleinair/weights';

/** How LoRAs are applied: see `LoraOptions`. */
export type LoraMode = 'auto' | 'merge' | 'branch';

/** The modules of one LoRA that concern a part, and its scale, which may change. */
export interface PartLora {
  readonly name: string;
  readonly modules: ReadonlyMap<string, LoraModule>;
  scale: number;
}

/** Tables are looked up, not multiplied: there is no branch beside them. */
const tables = /(^|\.)(token|position)_embedding\.weight$/;

/**
 * What LoRAs change of one part: some weights as they are loaded, others by side branches that its graph has beside them.
 */
export class PartAdapters {
  /** Ranks by tensor. */
  private readonly branches = new Map<string, number>();
  private readonly merged = new Set<string>();

  /**
   * @throws AdapterError `lora/palettized`, `lora/not-low-rank`.
   */
  constructor(
    component: Component,
    private readonly loras: readonly PartLora[],
    mode: LoraMode,
  ) {
    const palettized = palettizedEntries(component);
    for (const tensor of new Set(loras.flatMap(({ modules }) => [...modules.keys()]))) {
      const packed = palettized.has(tensor);
      const whole = loras.find(({ modules }) => {
        const module = modules.get(tensor);
        return module !== undefined && (module.rank === undefined || tables.test(tensor));
      });
      if (packed && mode === 'merge') throw cannotMerge(tensor);
      if (packed && whole) throw cannotBranch(tensor, whole);
      if (packed || (mode === 'branch' && !whole)) this.branches.set(tensor, branchRank(tensor, loras)!);
      else this.merged.add(tensor);
    }
  }

  /** Ranks of side branches, for recording the part's graph. */
  readonly lowRank: LowRankLookup = (tensor) => this.branches.get(tensor);

  /** What is added to weights as they are loaded. */
  get merge(): WeightMerge | undefined {
    if (this.merged.size === 0) return undefined;
    const { merged } = this;
    const merge = loraMerge(this.loras);
    return { open: async (tensor, options) => (merged.has(tensor) ? merge.open(tensor, options) : undefined) };
  }

  /** The bytes of weights of side branches. */
  pieces(weights: readonly Weight[], options: ReadOptions): AsyncGenerator<readonly [Weight, PackedPiece]> {
    return branchPieces(weights, this.loras, options);
  }

  /** Whether a weight holds other bytes once scales have changed. */
  dependsOnScales({ source }: Weight): boolean {
    const branch = branchOf(source.name);
    return branch ? branch.factor !== 'down' : this.merged.has(source.name);
  }

  /** Sets the scale of a LoRA; true where it changes anything of this part. */
  setScale(name: string, scale: number): boolean {
    const lora = this.loras.find((each) => each.name === name);
    if (!lora) return false;
    lora.scale = scale;
    return true;
  }
}

function cannotMerge(tensor: string): AdapterError {
  return new AdapterError(
    'lora/palettized',
    `${tensor}: expected plain weights to merge a LoRA into, got palettized ones. ` +
      "Leave the mode at 'auto': palettized weights take LoRAs as side branches.",
  );
}

function cannotBranch(tensor: string, { name, modules }: PartLora): AdapterError {
  return new AdapterError(
    'lora/not-low-rank',
    `LoRA ${name}: expected a product of small rank beside the palettized ${tensor}, got ${
      modules.get(tensor)!.kind === 'lokr' ? 'a Kronecker product (LoKr)' : 'a change of a table'
    }. Load it with the model as it was before it was palettized.`,
  );
}
