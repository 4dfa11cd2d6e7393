/** A model in the browser's storage, whole or on its way. */
export interface StoredModel {
  /** `owner/name` or `owner/name@revision`. */
  readonly name: string;
  readonly commit: string;
  /** `partial`: a download was paused or broken off; `ModelStore.download` goes on with it. */
  readonly state: 'complete' | 'partial';
  readonly loadedBytes: number;
  readonly totalBytes: number;
  /** When it was asked for first. */
  readonly addedAt: Date;
}
