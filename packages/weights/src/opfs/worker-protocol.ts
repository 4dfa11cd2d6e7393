import type { DownloadProgress } from '../hub/download-meter.js';
import type { DownloadTask } from './download-task.js';

/** What the download worker is sent. */
export type WorkerRequest = { readonly kind: 'start'; readonly task: DownloadTask } | { readonly kind: 'stop' };

/** What it answers. */
export type WorkerAnswer =
  | { readonly kind: 'progress'; readonly progress: DownloadProgress }
  | { readonly kind: 'done' }
  | { readonly kind: 'failed'; readonly code: string | undefined; readonly message: string };
