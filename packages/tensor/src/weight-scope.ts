import type { Graph } from './graph.js';
import type { Weight, WeightLayout, WeightStorage } from './weight.js';

/** A place in the checkpoint's tree of names; models walk it so that their fields carry the checkpoint's names. */
export class WeightScope {
  constructor(
    readonly graph: Graph,
    readonly prefix: string = '',
  ) {}

  /** The scope one or more names further down, e.g. `scope.in('attn1').in('to_q')` or `scope.in('to_out.0')`. */
  in(name: string | number): WeightScope {
    return new WeightScope(this.graph, this.prefix ? `${this.prefix}.${name}` : String(name));
  }

  /** A weight of this scope, e.g. `scope.weight('weight', [out, in], layout)`. */
  weight(name: string, shape: readonly number[], layout: WeightLayout, storage?: WeightStorage): Weight {
    return this.graph.weight(this.prefix ? `${this.prefix}.${name}` : name, shape, layout, storage);
  }
}
