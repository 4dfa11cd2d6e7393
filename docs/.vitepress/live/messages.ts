/** What the page asks of the painting worker. */
export type PaintOrder =
  | { readonly kind: 'paint'; readonly prompt: string; readonly seed: number; readonly steps: number }
  | { readonly kind: 'cancel' };

/** What the worker tells. */
export type PaintNews =
  | { readonly kind: 'loading'; readonly part: string; readonly loaded: number; readonly total: number }
  | { readonly kind: 'step'; readonly step: number; readonly steps: number; readonly stepsPerSecond: number }
  | { readonly kind: 'preview' | 'picture'; readonly pixels: Pixels }
  | { readonly kind: 'done'; readonly adapter: string; readonly seconds: number }
  | { readonly kind: 'failed'; readonly code: string; readonly message: string };

/** RGBA8. */
export interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly rgba: Uint8ClampedArray<ArrayBuffer>;
}

/** How much is measured: every shape, one or two of each suite, or a product and convolutions in the least size. */
export type MeasureExtent = 'all' | 'few' | 'least';

/** What the page asks of the measuring worker. */
export type MeasureOrder = { readonly kind: 'measure'; readonly extent: MeasureExtent } | { readonly kind: 'cancel' };

/** What it tells; `report` is the whole so far, after each shape. */
export type MeasureNews =
  | { readonly kind: 'shape'; readonly text: string; readonly index: number; readonly of: number }
  | { readonly kind: 'report'; readonly report: import('@pleinair/bench').BenchReport }
  | { readonly kind: 'done' }
  | { readonly kind: 'failed'; readonly code: string; readonly message: string };
