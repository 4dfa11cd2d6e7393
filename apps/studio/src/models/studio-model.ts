/**
 * Where the worker finds a model; it travels to it as a message.
 * `demo`: shipped with Studio. `stored`: in this browser's storage, by its name there. `files`: chosen by the user, by path in
 * diffusers layout, or one single file first and configurations that take the place of what it tells; gone with the page.
 */
export type ModelSpot =
  | { readonly kind: 'demo' }
  | { readonly kind: 'stored'; readonly name: string }
  | { readonly kind: 'files'; readonly name: string; readonly files: readonly (readonly [path: string, file: File])[] };

/** A size that a model paints well. */
export interface SizePreset {
  readonly label: string;
  readonly width: number;
  readonly height: number;
}

/** A model that Studio can paint with. */
export interface StudioModel {
  /** Unique, and the same after a reload. */
  readonly id: string;
  readonly name: string;
  /** A line about it, say its size and precision. */
  readonly about: string;
  readonly spot: ModelSpot;
  /** What the model's makers use. */
  readonly defaults: { readonly steps: number; readonly guidance: number };
  /** The first is the model's own. */
  readonly sizes: readonly [SizePreset, ...SizePreset[]];
  /** Sentences to begin with, where the model knows only some. */
  readonly examples?: readonly string[];
  /** Why this adapter cannot run it, in words; absent where it can. */
  readonly unable?: string;
  /** Known by its name only: it is being looked for. */
  readonly sought?: true;
}
