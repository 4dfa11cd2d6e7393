import { useEffect, useRef, type ReactElement } from 'react';
import type { Pixels } from '../engine/protocol.js';

/** Shows pixels as they are; styles scale them. */
export function PixelsCanvas({ pixels, label }: { readonly pixels: Pixels; readonly label: string }): ReactElement {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const { width, height, rgba } = pixels;
    Object.assign(canvas.current!, { width, height });
    canvas.current!.getContext('2d')!.putImageData(new ImageData(rgba, width, height), 0, 0);
  }, [pixels]);
  return <canvas ref={canvas} role="img" aria-label={label} />;
}
