import type { ModeMemory } from 'pleinair';
import { useMemo, useState, type PointerEvent, type ReactElement } from 'react';
import { bytesInWords } from '../words/figures.js';
import { partText } from './format.js';
import { memorySteps, stairs, type MemoryStep } from './memory-steps.js';

const width = 1000;
const height = 260;
const top = 14;

/** What is held on the GPU from node to node: weights, what is kept, and how full working memory is. */
export function MemoryCurve({ mode }: { readonly mode: ModeMemory }): ReactElement {
  const { steps, stretches } = useMemo(() => memorySteps(mode), [mode]);
  const [at, setAt] = useState<number>();
  const x = (index: number): number => (index * width) / Math.max(1, steps.length);
  const y = (bytes: number): number => height - (bytes / Math.max(1, mode.peakBytes)) * (height - top);
  const layer = (from: (step: MemoryStep) => number, to: (step: MemoryStep) => number): string =>
    stairs(steps, from, to, x, y);
  const paths = useMemo(
    () => ({
      weights: layer(
        () => 0,
        (step) => step.weights,
      ),
      persistent: layer(
        (step) => step.weights,
        (step) => step.weights + step.persistent,
      ),
      arena: layer(base, (step) => base(step) + step.arena),
      live: layer(base, (step) => base(step) + step.live),
    }),
    // oxlint-disable-next-line react-hooks/exhaustive-deps -- all else follows from the steps
    [steps],
  );
  const pointed = at === undefined ? undefined : steps[at];
  const onPointer = ({ clientX, currentTarget }: PointerEvent): void => {
    const { left, width: pixels } = currentTarget.getBoundingClientRect();
    setAt(Math.min(steps.length - 1, Math.max(0, Math.floor(((clientX - left) / pixels) * steps.length))));
  };
  return (
    <figure className="curve">
      <svg
        viewBox={`0 0 ${width} ${height}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={`Bytes held on the GPU through ${steps.length} operations; at most ${bytesInWords(mode.peakBytes)}. The table below has each part's.`}
        onPointerMove={onPointer}
        onPointerLeave={() => setAt(undefined)}
      >
        <path className="memory-weights" d={paths.weights} />
        <path className="memory-persistent" d={paths.persistent} />
        <path className="memory-room" d={paths.arena} />
        <path className="memory-arena" d={paths.live} />
        <path className="curve-peak" d={`M0 ${y(mode.peakBytes)}H${width}`} />
        {stretches.slice(1).map(({ part, first }) => (
          <path key={part} className="curve-cut" d={`M${x(first)} 0V${height}`} />
        ))}
        {at !== undefined && <path className="curve-at" d={`M${x(at + 0.5)} 0V${height}`} />}
      </svg>
      <div className="curve-parts" aria-hidden="true">
        {stretches.map(({ part, count }) => (
          <span key={part} style={{ flexGrow: count }}>
            {count / steps.length > 0.09 && partText(part)}
          </span>
        ))}
      </div>
      <figcaption className="hint curve-told">
        {pointed ? (
          <>
            <strong>{bytesInWords(base(pointed) + pointed.arena)}</strong> held, {bytesInWords(pointed.live)} of{' '}
            {bytesInWords(pointed.arena)} working memory in use: {partText(pointed.part)}, <code>{pointed.label}</code>
          </>
        ) : (
          <>
            Each operation in the order in which it runs; the UNet’s step once. The dashed line is the most there ever
            is, {bytesInWords(mode.peakBytes)}; pale is working memory that is set aside but empty.
          </>
        )}
      </figcaption>
    </figure>
  );
}

function base({ weights, persistent }: MemoryStep): number {
  return weights + persistent;
}
