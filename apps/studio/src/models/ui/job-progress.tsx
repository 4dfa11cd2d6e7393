import type { ReactElement } from 'react';
import { bytesInWords, timeInWords } from '../../words/figures.js';
import type { ModelJob } from '../shelf-store.js';

/** How far a download or a conversion is. */
export function JobProgress({ name, job }: { readonly name: string; readonly job: ModelJob }): ReactElement {
  const { doneBytes, totalBytes } = job.progress;
  const share = totalBytes > 0 ? doneBytes / totalBytes : undefined;
  return (
    <div className="progress">
      <progress aria-label={`${name}: progress`} max={1} {...(share !== undefined && { value: share })} />
      <p>
        <span>{doing(job)}</span>
        <span>{figures(job, share)}</span>
      </p>
    </div>
  );
}

function doing({ kind, progress: { phase }, stopping }: ModelJob): string {
  if (stopping) return kind === 'download' ? 'Pausing…' : 'Stopping…';
  if (phase === 'waiting') return 'Another tab downloads it';
  if (phase === 'checking') return kind === 'download' ? 'Asking the Hub' : 'Looking at it';
  return kind === 'download' ? 'Downloading' : 'Converting';
}

function figures({ kind, progress }: ModelJob, share: number | undefined): string {
  if (share === undefined) return '';
  const { doneBytes, totalBytes, bytesPerSecond, leftMs } = progress;
  const left = leftMs === undefined ? '' : ` · ${timeInWords(leftMs / 1000)} left`;
  if (kind === 'convert') return `${Math.floor(share * 100)} %${left}`;
  const speed = bytesPerSecond > 0 ? ` · ${bytesInWords(bytesPerSecond)}/s` : '';
  return `${bytesInWords(doneBytes)} of ${bytesInWords(totalBytes)}${speed}${left}`;
}
