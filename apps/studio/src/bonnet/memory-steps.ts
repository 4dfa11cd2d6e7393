import type { ModeMemory } from 'pleinair';

/** What is held while one node runs. */
export interface MemoryStep {
  readonly part: string;
  readonly segment: string;
  readonly label: string;
  /** Of all parts. */
  readonly weights: number;
  readonly persistent: number;
  /** The arena as it is allocated, and what of it is in use. */
  readonly arena: number;
  readonly live: number;
}

/** A run of nodes of one part, as a place along the curve. */
export interface MemoryStretch {
  readonly part: string;
  readonly first: number;
  readonly count: number;
}

/** A mode's run, node by node, and where its parts stand along it. */
export function memorySteps({ parts }: ModeMemory): { steps: MemoryStep[]; stretches: MemoryStretch[] } {
  const steps: MemoryStep[] = [];
  const stretches: MemoryStretch[] = [];
  for (const { part, segments } of parts) {
    const first = steps.length;
    for (const { segment, weightsBytes, persistentBytes, arenaBytes, live, labels } of segments) {
      for (const [i, bytes] of live.entries()) {
        steps.push({
          part,
          segment,
          label: labels[i]!,
          weights: weightsBytes,
          persistent: persistentBytes,
          arena: arenaBytes,
          live: bytes,
        });
      }
    }
    stretches.push({ part, first, count: steps.length - first });
  }
  return { steps, stretches };
}

/**
 * A staircase over steps, as an SVG path closed along another: between what lies below and what is held.
 *
 * @param x - Of a step's left edge; asked up to the number of steps.
 */
export function stairs(
  steps: readonly MemoryStep[],
  from: (step: MemoryStep) => number,
  to: (step: MemoryStep) => number,
  x: (index: number) => number,
  y: (bytes: number) => number,
): string {
  if (steps.length === 0) return '';
  const round = (value: number): string => String(Math.round(value * 100) / 100);
  let path = `M${round(x(0))} ${round(y(to(steps[0]!)))}`;
  for (let i = 1; i < steps.length; i++) {
    // Steps of one height are one line: a model has thousands.
    if (to(steps[i]!) !== to(steps[i - 1]!)) path += `H${round(x(i))}V${round(y(to(steps[i]!)))}`;
  }
  return `${path}H${round(x(steps.length))}${reversed(steps, from, x, y, round)}Z`;
}

function reversed(
  steps: readonly MemoryStep[],
  from: (step: MemoryStep) => number,
  x: (index: number) => number,
  y: (bytes: number) => number,
  round: (value: number) => string,
): string {
  let path = `V${round(y(from(steps.at(-1)!)))}`;
  for (let i = steps.length - 1; i > 0; i--) {
    if (from(steps[i]!) !== from(steps[i - 1]!)) path += `H${round(x(i))}V${round(y(from(steps[i - 1]!)))}`;
  }
  return `${path}H${round(x(0))}`;
}
