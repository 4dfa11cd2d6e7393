import type { ReadOptions } from '../source.js';
import type { LoraChange, LoraModule } from './lora-module.js';

/** Adds to the rows of a checkpoint tensor as they come. */
export type AddRows = (rows: Float32Array<ArrayBuffer>, firstRow: number, rowCount: number) => void;

/** What is to be added to which tensors while a component is loaded. */
export interface WeightMerge {
  /** Reads what is added to a tensor; undefined where it stays as it is. Called once a tensor. */
  open(tensor: string, options: ReadOptions): Promise<AddRows | undefined>;
}

/** LoRAs of one part with their scales, to be merged as it is loaded. Factors of one tensor at a time are in memory. */
export function loraMerge(
  loras: readonly { readonly modules: ReadonlyMap<string, LoraModule>; readonly scale: number }[],
): WeightMerge {
  return {
    async open(tensor, options) {
      const changes: { readonly change: LoraChange; readonly scale: number }[] = [];
      for (const { modules, scale } of loras) {
        const module = modules.get(tensor);
        if (module && scale !== 0) changes.push({ change: await module.read(options), scale });
      }
      if (changes.length === 0) return undefined;
      return (rows, firstRow, rowCount) => {
        for (const { change, scale } of changes) change.addRows(rows, firstRow, rowCount, scale);
      };
    },
  };
}
