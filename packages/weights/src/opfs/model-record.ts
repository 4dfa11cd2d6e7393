import type { Checksum, HubFile } from '../hub/hub-client.js';
import type { HubName } from '../hub/hub-name.js';

/** What is kept about a model in the browser's storage; written before its first byte comes. */
export interface ModelRecord {
  readonly version: 1;
  readonly repo: string;
  readonly revision: string;
  /** The one file it is, where it is one. */
  readonly file?: string;
  readonly commit: string;
  /** When it was asked for first, in milliseconds since 1970. */
  readonly addedAt: number;
  readonly files: readonly HubFile[];
}

/** The name of a model's record. */
export function recordFile(name: HubName): string {
  return `${encodeURIComponent([name.repo, name.file ?? '', name.revision].join('@'))}.json`;
}

/** Reads a record; undefined for anything else. */
export function parseRecord(text: string): ModelRecord | undefined {
  try {
    const value = JSON.parse(text) as Partial<ModelRecord> | null;
    const known =
      value?.version === 1 &&
      typeof value.repo === 'string' &&
      typeof value.revision === 'string' &&
      typeof value.commit === 'string' &&
      typeof value.addedAt === 'number' &&
      Array.isArray(value.files);
    return known ? (value as ModelRecord) : undefined;
  } catch {
    return undefined;
  }
}

/** The name of a file's content, when it is whole and checked. */
export function blobName(checksum: Checksum): string {
  return checksum.hex;
}

/** The name of a file's content while it comes. */
export function partialName(checksum: Checksum): string {
  return `${checksum.hex}.part`;
}
