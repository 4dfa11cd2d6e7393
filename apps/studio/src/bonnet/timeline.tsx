import type { ProfiledSegment } from 'pleinair';
import { useMemo, useState, type KeyboardEvent, type PointerEvent, type ReactElement } from 'react';
import { flopsText, msText, shareText } from './format.js';
import { moved, showing, zoomed, type TimeView } from './timeline-view.js';

const width = 1000;
const laneHeight = 26;

/** Kernels along time, a lane a family. Zoomed by buttons and keys, moved by dragging and keys. */
export function Timeline({ segment }: { readonly segment: ProfiledSegment }): ReactElement {
  const { kernels, families, ms: whole } = segment;
  const [view, setView] = useState<TimeView>({ from: 0, to: whole });
  const [at, setAt] = useState(0);
  const [drag, setDrag] = useState<{ readonly x: number; readonly view: TimeView }>();
  const begins = useMemo(() => {
    let sum = 0;
    return kernels.map(({ ms }) => {
      const begin = sum;
      sum += ms;
      return begin;
    });
  }, [kernels]);
  const lanes = new Map(families.map(({ family }, i) => [family, i]));
  const span = view.to - view.from || 1;
  const x = (time: number): number => ((time - view.from) / span) * width;
  const step = (by: number): void => {
    const next = Math.min(kernels.length - 1, Math.max(0, at + by));
    setAt(next);
    setView(showing(view, begins[next]!, begins[next]! + kernels[next]!.ms, whole));
  };
  const middle = begins[at]! + kernels[at]!.ms / 2;
  const zoom = (factor: number): void => setView(zoomed(view, factor, middle, whole));
  const keys: Readonly<Record<string, () => void>> = {
    ArrowLeft: () => step(-1),
    ArrowRight: () => step(1),
    PageUp: () => step(-25),
    PageDown: () => step(25),
    Home: () => step(-kernels.length),
    End: () => step(kernels.length),
    '+': () => zoom(2),
    '=': () => zoom(2),
    '-': () => zoom(1 / 2),
    '0': () => setView({ from: 0, to: whole }),
  };
  const onKey = (event: KeyboardEvent): void => {
    const action = keys[event.key];
    if (!action || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    action();
  };
  const onMove = ({ clientX, currentTarget }: PointerEvent): void => {
    const { left, width: pixels } = currentTarget.getBoundingClientRect();
    if (drag) return setView(moved(drag.view, ((drag.x - clientX) / pixels) * span, whole));
    const time = view.from + ((clientX - left) / pixels) * span;
    const next = begins.findLastIndex((begin) => begin <= time);
    if (next >= 0) setAt(next);
  };
  const kernel = kernels[at]!;
  const told = `${kernel.label || kernel.op}: ${kernel.family}/${kernel.variant}, ${msText(kernel.ms)}`;
  return (
    <div className="timeline">
      <div className="timeline-tools">
        <button type="button" className="button-plain" onClick={() => zoom(2)}>
          Zoom in
        </button>
        <button type="button" className="button-plain" onClick={() => zoom(1 / 2)}>
          Zoom out
        </button>
        <button type="button" className="button-plain" onClick={() => setView({ from: 0, to: whole })}>
          Whole
        </button>
        <span className="hint">
          {msText(view.from)} to {msText(view.to)}
        </span>
      </div>
      <div
        className="timeline-lanes"
        data-dragging={drag !== undefined}
        tabIndex={0}
        role="slider"
        aria-label="Kernel along the timeline. Arrow keys go from kernel to kernel, plus and minus zoom."
        aria-valuemin={1}
        aria-valuemax={kernels.length}
        aria-valuenow={at + 1}
        aria-valuetext={told}
        onKeyDown={onKey}
        onPointerMove={onMove}
        onPointerDown={({ clientX, currentTarget, pointerId }) => {
          currentTarget.setPointerCapture(pointerId);
          setDrag({ x: clientX, view });
        }}
        onPointerUp={() => setDrag(undefined)}
        onPointerCancel={() => setDrag(undefined)}
      >
        <svg viewBox={`0 0 ${width} ${laneHeight * families.length}`} preserveAspectRatio="none" aria-hidden="true">
          {kernels.map(({ family, ms }, i) => {
            const [left, right] = [x(begins[i]!), x(begins[i]! + ms)];
            if (right < 0 || left > width) return null;
            const lane = lanes.get(family)!;
            return (
              <rect
                key={i}
                className={`hue-${Math.min(lane, 7)}`}
                data-at={i === at}
                x={left}
                y={lane * laneHeight + 3}
                width={Math.max(0.6, right - left)}
                height={laneHeight - 6}
              />
            );
          })}
          <path className="timeline-at" d={`M${x(middle)} 0V${laneHeight * families.length}`} />
        </svg>
      </div>
      <p className="timeline-told">
        <code>{kernel.label || kernel.op}</code>
        <span>
          {kernel.family}/{kernel.variant}
        </span>
        <span>{msText(kernel.ms)}</span>
        <span>{shareText(whole > 0 ? kernel.ms / whole : 0)}</span>
        <span>{flopsText(kernel.flops, kernel.ms)}</span>
        <span className="hint">
          {at + 1} of {kernels.length}
        </span>
      </p>
    </div>
  );
}
