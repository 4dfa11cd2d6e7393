import { STEP_SEGMENT } from '../denoise/denoiser-graph.js';
import type { PipelineShape } from './pipeline-shape.js';

/** What a part does, whatever it is called. */
export type PartKind = 'text-encoder' | 'denoiser' | 'vae-encoder' | 'vae-decoder';

/** A part of a pipeline: what it is called, what it does, and where its weights lie. */
export interface PartSpec<Name extends string = string> {
  readonly name: Name;
  readonly kind: PartKind;
  /** Folder of the checkpoint, e.g. `vae` of both halves of the VAE. */
  readonly folder: string;
}

/** What of a shape a part depends on: text encoders take one chunk of one prompt at a time, whatever the picture. */
export function partShape(kind: PartKind, shape: PipelineShape): Partial<PipelineShape> {
  const { width, height, precision, vae = 'exact', encoder = 'exact', clipSkip = 0, ...rest } = shape;
  switch (kind) {
    case 'text-encoder':
      return { precision, clipSkip };
    case 'vae-encoder':
      return { width, height, precision, encoder };
    case 'vae-decoder':
      return { width, height, precision, vae };
    case 'denoiser':
      return { width, height, precision, ...rest };
  }
}

/** How often a segment of a part runs for one picture. */
export function runsOf(kind: PartKind, segment: string, { chunks, guided, solver }: PipelineShape): number {
  if (segment === STEP_SEGMENT) return solver.evaluations;
  return kind === 'text-encoder' ? chunks * (guided ? 2 : 1) : 1;
}
