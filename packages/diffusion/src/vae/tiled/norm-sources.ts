import { groupMoments, momentsAffine, type BandTensor } from '@pleinair/kernels';
import { plainRows, type Graph, type Tensor, type WeightScope } from '@pleinair/tensor';
import type { NormSettings } from '../../blocks/resnet-block.js';
import type { NormOfBand } from './band-layers.js';

/**
 * Statistics of a picture's norms while no layer of it is ever there as a whole. They are found by correcting a guess
 * (`docs/decisions/vae-in-bands.md`): a small copy of the picture gives the guess, one pass over the bands normalised by it
 * gives what the guess should have been, and the small copy again, each norm corrected by how far it was off, gives what
 * the picture is painted with.
 */
export class NormSources {
  private readonly guessed = new Map<string, Tensor>();
  private readonly found = new Map<string, Tensor>();
  private readonly guesses = new Map<string, Tensor>();
  private readonly corrected = new Map<string, Tensor>();

  constructor(
    private readonly graph: Graph,
    private readonly settings: NormSettings,
  ) {}

  /** The small copy, each norm by its own statistics, which are remembered. */
  readonly guess: NormOfBand = (scope, x) => {
    const moments = this.moments(scope, x);
    this.guessed.set(scope.prefix, moments);
    const affine = this.affine(scope, x, moments);
    this.guesses.set(scope.prefix, affine);
    return affine;
  };

  /** The picture's bands, normalised by the guess; adds up what their statistics really are. */
  readonly gather: NormOfBand = (scope, x) => {
    const { groups } = this.settings;
    const found = this.graph.state(`found.${scope.prefix}`, [groups, 4], 'f32');
    groupMoments(this.graph, x, { groups, into: found, label: `${scope.prefix}/moments` });
    this.found.set(scope.prefix, found);
    return this.guesses.get(scope.prefix)!;
  };

  /** The small copy again, each norm corrected by what was found. */
  readonly correct: NormOfBand = (scope, x) => {
    const correction = { guessed: this.guessed.get(scope.prefix)!, found: this.found.get(scope.prefix)! };
    const affine = this.affine(scope, x, this.moments(scope, x), correction);
    this.corrected.set(scope.prefix, affine);
    return affine;
  };

  /** The picture's bands, normalised for good. */
  readonly apply: NormOfBand = (scope) => this.corrected.get(scope.prefix)!;

  private moments(scope: WeightScope, x: BandTensor): Tensor {
    return groupMoments(this.graph, x, { groups: this.settings.groups, label: `${scope.prefix}/moments` });
  }

  private affine(
    scope: WeightScope,
    x: BandTensor,
    moments: Tensor,
    correction?: { readonly guessed: Tensor; readonly found: Tensor },
  ): Tensor {
    const channels = x.tensor.shape.at(-1)!;
    return momentsAffine(this.graph, moments, {
      gamma: scope.weight('weight', [channels], plainRows),
      beta: scope.weight('bias', [channels], plainRows),
      eps: this.settings.eps,
      ...(correction ? { correction } : {}),
      label: `${scope.prefix}/affine`,
    });
  }
}
