import type { Pixels } from '../engine/protocol.js';

/** A rectangle of pixels that changed. */
export interface Dirty {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** A point in pixels of the mask. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/** A mask that is painted by hand: 255 where a picture is made anew. */
export class MaskLayer {
  readonly values: Uint8ClampedArray;

  constructor(
    readonly width: number,
    readonly height: number,
    from?: Pixels,
  ) {
    this.values = new Uint8ClampedArray(width * height);
    if (from?.width === width && from.height === height) {
      for (let i = 0; i < this.values.length; i++) this.values[i] = from.rgba[4 * i]!;
    }
  }

  /**
   * Paints a round stroke, whole pixels and no soft edge: the engine softens masks.
   *
   * @param value - 255 paints, 0 erases.
   * @returns What changed, clipped to the mask.
   */
  stroke(from: Point, to: Point, radius: number, value: 0 | 255): Dirty {
    const left = Math.max(0, Math.floor(Math.min(from.x, to.x) - radius));
    const top = Math.max(0, Math.floor(Math.min(from.y, to.y) - radius));
    const right = Math.min(this.width, Math.ceil(Math.max(from.x, to.x) + radius) + 1);
    const bottom = Math.min(this.height, Math.ceil(Math.max(from.y, to.y) + radius) + 1);
    for (let y = top; y < bottom; y++) {
      for (let x = left; x < right; x++) {
        if (distance({ x: x + 0.5, y: y + 0.5 }, from, to) <= radius) this.values[y * this.width + x] = value;
      }
    }
    return { left, top, width: Math.max(0, right - left), height: Math.max(0, bottom - top) };
  }

  /** Turns what is kept into what is made anew, and back. */
  invert(): void {
    for (let i = 0; i < this.values.length; i++) this.values[i] = 255 - this.values[i]!;
  }

  /** Keeps everything. */
  clear(): void {
    this.values.fill(0);
  }

  /** Puts earlier values back. */
  restore(values: Uint8ClampedArray): void {
    this.values.set(values);
  }

  /** How much is made anew, 0…1. */
  get share(): number {
    let painted = 0;
    for (const value of this.values) if (value > 127) painted++;
    return painted / this.values.length;
  }

  /** As a picture, white where it is made anew. */
  toPixels(): Pixels {
    const { width, height, values } = this;
    const rgba = new Uint8ClampedArray(4 * values.length);
    for (let i = 0; i < values.length; i++) {
      rgba.fill(values[i]!, 4 * i, 4 * i + 3);
      rgba[4 * i + 3] = 255;
    }
    return { width, height, rgba };
  }
}

/** Distance of a point from a stretch. */
function distance(point: Point, from: Point, to: Point): number {
  const [dx, dy] = [to.x - from.x, to.y - from.y];
  const length = dx * dx + dy * dy;
  const along = length === 0 ? 0 : ((point.x - from.x) * dx + (point.y - from.y) * dy) / length;
  const share = Math.min(1, Math.max(0, along));
  return Math.hypot(point.x - from.x - share * dx, point.y - from.y - share * dy);
}
