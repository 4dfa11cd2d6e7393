import type { ReactElement } from 'react';
import type { Task } from './use-task.js';

/** What a task is at, with a way to stop it, or what went wrong. */
export function TaskBar<T>({ task }: { readonly task: Task<T> }): ReactElement | null {
  const { running, progress, failure, cancel } = task;
  if (running) {
    return (
      <div className="task-bar">
        <progress {...(progress?.share !== undefined && { value: progress.share })} aria-label={progress?.words} />
        <span>{progress?.words}</span>
        <button type="button" className="button-plain button-cancel" onClick={cancel}>
          Cancel
        </button>
      </div>
    );
  }
  if (!failure) return null;
  return (
    <div className="failure" role="alert">
      <p>{failure.message}</p>
      <p className="hint">
        <code>{failure.code}</code>
      </p>
    </div>
  );
}
