import type { StorageReport } from '@pleinair/weights/browser';
import type { ModelNeeds } from 'pleinair/models';
import type { Failure } from '../../engine/protocol.js';
import type { ModelSpot } from '../studio-model.js';

/** How the Hub is reached. */
export interface HubAccess {
  /** Its address; absent: huggingface.co. */
  readonly endpoint?: string;
  /** For models whose licence was accepted, and private ones. */
  readonly token?: string;
}

/** Bits of a weight; 16: not palettized. */
export type WeightBits = 2 | 4 | 6 | 8 | 16;

/** A model in this browser's storage, whole or on its way. */
export interface StoredEntry {
  readonly name: string;
  readonly state: 'complete' | 'partial';
  readonly loadedBytes: number;
  readonly totalBytes: number;
}

/** What a whole model is. */
export interface StoredDetails {
  readonly kind: 'details';
  readonly needs: ModelNeeds;
  readonly defaults: {
    readonly width: number;
    readonly height: number;
    readonly steps: number;
    readonly guidance: number;
  };
}

/** What a model of the Hub would cost. */
export interface HubOffer {
  readonly kind: 'offer';
  readonly name: string;
  readonly totalBytes: number;
  readonly missingBytes: number;
  readonly files: number;
  /** Whether it fits in what the browser grants. */
  readonly fits: boolean;
}

/** Where a model may be looked at: of the Hub, before it is here. */
export type LookSpot = ModelSpot | { readonly kind: 'hub'; readonly name: string; readonly access: HubAccess };

/** How far a download or conversion is. */
export interface JobProgress {
  readonly phase: 'checking' | 'waiting' | 'moving';
  readonly doneBytes: number;
  readonly totalBytes: number;
  /** 0 before anything came, and of conversions. */
  readonly bytesPerSecond: number;
  readonly leftMs: number | undefined;
}

/** How a job ended. */
export type JobEnd = { readonly kind: 'done'; readonly name: string } | { readonly kind: 'cancelled' } | Failure;

/** What is to be converted, and into what. */
export interface ConvertOrder {
  readonly spot: ModelSpot;
  /** `local/NAME`. */
  readonly name: string;
  readonly bits: WeightBits;
}

/** What the models' worker does for the page. Nothing rejects but by accident: failures are answers. */
export interface ModelsEngine {
  /** Everything in the storage, by when it was asked for. */
  list(): Promise<readonly StoredEntry[] | Failure>;
  storage(): Promise<StorageReport | Failure>;
  /** What a whole model in the storage is, and whether this adapter can run it. */
  describe(name: string): Promise<StoredDetails | Failure>;
  /** What a model of the Hub would cost; nothing large is downloaded. */
  offer(name: string, access: HubAccess): Promise<HubOffer | Failure>;
  /** What a model would need on this adapter. Configurations and headers are all that is read. */
  needs(spot: LookSpot, bits: WeightBits): Promise<ModelNeeds | Failure>;
  /**
   * Downloads a model or goes on with it.
   *
   * @param tell - A comlink proxy.
   */
  download(name: string, access: HubAccess, tell: (progress: JobProgress) => unknown): Promise<JobEnd>;
  /**
   * Converts a model into the storage, whole or not at all.
   *
   * @param tell - A comlink proxy.
   */
  convert(order: ConvertOrder, tell: (progress: JobProgress) => unknown): Promise<JobEnd>;
  /** Stops the job of a name; of a download, what came is kept. */
  stop(name: string): void;
  /** Deletes a model; gives the bytes freed. */
  remove(name: string): Promise<number | Failure>;
}
