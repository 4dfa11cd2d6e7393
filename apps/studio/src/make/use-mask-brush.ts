import { useCallback, useEffect, useRef, useState, type KeyboardEvent, type PointerEvent, type RefObject } from 'react';
import { MaskLayer, type Dirty, type Point } from './mask-layer.js';

/** What the brush does. */
export type BrushMode = 'paint' | 'erase';

/** A mask under a brush. */
export interface MaskBrush {
  readonly canvas: RefObject<HTMLCanvasElement | null>;
  /** Where the keyboard's brush is. */
  readonly cursor: Point;
  readonly share: number;
  readonly canUndo: boolean;
  readonly handlers: {
    readonly onPointerDown: (event: PointerEvent<HTMLCanvasElement>) => void;
    readonly onPointerMove: (event: PointerEvent<HTMLCanvasElement>) => void;
    readonly onPointerUp: () => void;
    readonly onPointerCancel: () => void;
    readonly onKeyDown: (event: KeyboardEvent) => void;
  };
  readonly undo: () => void;
  readonly clear: () => void;
  readonly invert: () => void;
}

const mostUndone = 20;
/** Warm and dark in turn, so that stripes are seen on any picture; half through, so that the picture is, too. */
const tints = [
  [236, 124, 40, 185],
  [36, 18, 8, 120],
] as const;
/** Stripes along the longer side. */
const stripes = 80;

/**
 * Paints a mask by pointer or keyboard and shows it on a canvas.
 *
 * @param radius - Pixels of the mask.
 */
export function useMaskBrush(layer: MaskLayer, mode: BrushMode, radius: number): MaskBrush {
  const canvas = useRef<HTMLCanvasElement>(null);
  const last = useRef<Point>(undefined);
  const undos = useRef<Uint8ClampedArray[]>([]);
  const [cursor, setCursor] = useState<Point>({ x: layer.width / 2, y: layer.height / 2 });
  const [state, setState] = useState({ share: layer.share, canUndo: false });
  const told = useCallback(() => setState({ share: layer.share, canUndo: undos.current.length > 0 }), [layer]);

  useEffect(() => {
    Object.assign(canvas.current!, { width: layer.width, height: layer.height });
    show(canvas.current!, layer);
  }, [layer]);

  const remember = (): void => {
    undos.current = [...undos.current.slice(1 - mostUndone), layer.values.slice()];
  };
  const stroke = (from: Point, to: Point): void =>
    show(canvas.current!, layer, layer.stroke(from, to, radius, mode === 'paint' ? 255 : 0));
  const change = (body: () => void): void => {
    remember();
    body();
    show(canvas.current!, layer);
    told();
  };
  const undo = (): void => {
    const before = undos.current.pop();
    if (!before) return;
    layer.restore(before);
    show(canvas.current!, layer);
    told();
  };

  const onKeyDown = (event: KeyboardEvent): void => {
    const by = Math.max(1, radius * (event.shiftKey ? 2 : 0.5));
    const moves: Readonly<Record<string, readonly [number, number]>> = {
      ArrowLeft: [-by, 0],
      ArrowRight: [by, 0],
      ArrowUp: [0, -by],
      ArrowDown: [0, by],
    };
    const move = moves[event.key];
    if (move) {
      event.preventDefault();
      const to = {
        x: Math.min(layer.width, Math.max(0, cursor.x + move[0])),
        y: Math.min(layer.height, Math.max(0, cursor.y + move[1])),
      };
      // With Control or ⌘ held, the brush paints on its way.
      if (event.ctrlKey || event.metaKey) {
        remember();
        stroke(cursor, to);
        told();
      }
      setCursor(to);
    } else if (event.key === ' ' || event.key === 'Enter') {
      event.preventDefault();
      remember();
      stroke(cursor, cursor);
      told();
    } else if (event.key === 'z' && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      undo();
    }
  };

  const lift = (): void => {
    if (last.current) setCursor(last.current);
    last.current = undefined;
    told();
  };

  return {
    canvas,
    cursor,
    ...state,
    handlers: {
      onPointerDown: (event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        remember();
        last.current = pointOf(event, layer);
        stroke(last.current, last.current);
      },
      onPointerMove: (event) => {
        if (!last.current) return;
        const to = pointOf(event, layer);
        stroke(last.current, to);
        last.current = to;
      },
      onPointerUp: lift,
      onPointerCancel: lift,
      onKeyDown,
    },
    undo,
    clear: () => change(() => layer.clear()),
    invert: () => change(() => layer.invert()),
  };
}

function pointOf(event: PointerEvent<HTMLCanvasElement>, { width, height }: MaskLayer): Point {
  const box = event.currentTarget.getBoundingClientRect();
  return {
    x: ((event.clientX - box.left) / box.width) * width,
    y: ((event.clientY - box.top) / box.height) * height,
  };
}

function show(canvas: HTMLCanvasElement, layer: MaskLayer, dirty?: Dirty): void {
  const { left, top, width, height } = dirty ?? { left: 0, top: 0, width: layer.width, height: layer.height };
  if (width === 0 || height === 0) return;
  const image = new ImageData(width, height);
  const stripe = Math.max(2, Math.round(Math.max(layer.width, layer.height) / stripes));
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (layer.values[(top + y) * layer.width + left + x]! <= 127) continue;
      const which = Math.floor((left + x + top + y) / stripe) % 2;
      image.data.set(tints[which]!, 4 * (y * width + x));
    }
  }
  canvas.getContext('2d')!.putImageData(image, left, top);
}
