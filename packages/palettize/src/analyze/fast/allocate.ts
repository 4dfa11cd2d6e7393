/** A way to store a layer: what it takes, and what it does to the output. */
export interface Choice {
  /** Bits stored, palettes and padding included; more than 0. */
  readonly stored: number;
  /** Estimated error of the model's output, in any unit that adds up over layers; 0 or more. */
  readonly error: number;
}

/** A step along a layer's hull. */
interface Step {
  readonly layer: number;
  /** The choice it leads to. */
  readonly to: number;
  readonly bits: number;
  /** Error saved for each bit. */
  readonly gain: number;
}

/**
 * Chooses for every layer how it is stored, so that the errors' sum is small and the bits' sum at most `budget`.
 *
 * Each layer starts at its smallest choice and goes along the lower convex hull of (bits, error). The steps of all layers
 * are taken in the order of error saved a bit, which is what a Lagrange multiplier would choose: after each step no other
 * choice of as many bits has less error. A step that does not fit the room left is passed over, with the rest of its layer,
 * and smaller ones fill the room; what is lost by that is at most one step. Deterministic: equal gains go by the layers'
 * order.
 *
 * @param layers - The choices of each layer, at least one each, in any order.
 * @param budget - Bits. Where even the smallest choices take more, they are chosen.
 * @returns For each layer the position of its choice.
 */
export function allocate(layers: readonly (readonly Choice[])[], budget: number): number[] {
  const chosen: number[] = [];
  const steps: Step[] = [];
  let room = budget;
  layers.forEach((choices, layer) => {
    const hull = lowerHull(choices);
    chosen.push(hull[0]!);
    room -= choices[hull[0]!]!.stored;
    for (let i = 1; i < hull.length; i++) {
      const [from, to] = [choices[hull[i - 1]!]!, choices[hull[i]!]!];
      const bits = to.stored - from.stored;
      steps.push({ layer, to: hull[i]!, bits, gain: (from.error - to.error) / bits });
    }
  });
  // A hull's gains fall, so a stable sort keeps each layer's steps in order.
  steps.sort((a, b) => b.gain - a.gain);
  const ended = new Set<number>();
  for (const { layer, to, bits } of steps) {
    if (ended.has(layer)) continue;
    if (bits > room) {
      ended.add(layer);
      continue;
    }
    room -= bits;
    chosen[layer] = to;
  }
  return chosen;
}

/** Positions of the choices on the lower convex hull, by bits ascending and error descending. */
export function lowerHull(choices: readonly Choice[]): number[] {
  const order = choices
    .map((_, i) => i)
    .sort((a, b) => choices[a]!.stored - choices[b]!.stored || choices[a]!.error - choices[b]!.error || a - b);
  const hull: number[] = [];
  for (const i of order) {
    const { stored, error } = choices[i]!;
    const last = hull.at(-1);
    if (last !== undefined && error >= choices[last]!.error) continue;
    while (hull.length > 1) {
      const [a, b] = [choices[hull.at(-2)!]!, choices[hull.at(-1)!]!];
      // `b` stays only while the way to it is steeper than the way on.
      if ((a.error - b.error) * (stored - b.stored) > (b.error - error) * (b.stored - a.stored)) break;
      hull.pop();
    }
    hull.push(i);
  }
  return hull;
}
