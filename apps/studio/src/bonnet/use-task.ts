import { proxy, type Remote } from 'comlink';
import { useCallback, useState } from 'react';
import type { Answer, BonnetEngine, BonnetNews } from '../engine/bonnet-protocol.js';
import type { Failure } from '../engine/protocol.js';
import { useStudio } from '../studio-context.js';
import { partText } from './format.js';

/** How far a question is. */
export interface TaskProgress {
  readonly words: string;
  /** 0 to 1; absent where that cannot be told. */
  readonly share?: number;
}

/** A question to the engine that takes a while. */
export interface Task<T> {
  readonly running: boolean;
  readonly progress: TaskProgress | undefined;
  readonly failure: Failure | undefined;
  /** Asks; `onAnswer` gets the answer where there is one. */
  readonly ask: (question: Question<T>, onAnswer: (value: T) => void) => Promise<void>;
  readonly cancel: () => void;
}

/** @param tell - Goes to the engine as it is. */
export type Question<T> = (
  engine: Remote<BonnetEngine>,
  tell: (news: BonnetNews & { readonly leftMs?: number }) => void,
) => Promise<Answer<T>>;

/** One question at a time, its progress and what went wrong. */
export function useTask<T>(): Task<T> {
  const { engine } = useStudio();
  const [running, setRunning] = useState(false);
  const [progress, setProgress] = useState<TaskProgress>();
  const [failure, setFailure] = useState<Failure>();
  const ask = useCallback(
    async (question: Question<T>, onAnswer: (value: T) => void): Promise<void> => {
      setRunning(true);
      setFailure(undefined);
      setProgress({ words: 'Starting' });
      const answer = await engine.ask((bonnet) =>
        question(
          bonnet,
          proxy((news) => setProgress(progressOf(news))),
        ),
      );
      setRunning(false);
      setProgress(undefined);
      if (answer.kind === 'answer') onAnswer(answer.value);
      if (answer.kind === 'failed') setFailure(answer);
    },
    [engine],
  );
  return { running, progress, failure, ask, cancel: () => void engine.cancel() };
}

function progressOf({ part, phase, loaded, total, leftMs }: BonnetNews & { readonly leftMs?: number }): TaskProgress {
  const share = total > 0 ? { share: Math.min(1, loaded / total) } : {};
  const name = partText(part);
  switch (phase) {
    case 'tuning':
      return { words: `Timing kernels: ${name}${leftMs === undefined ? '' : `, ${leftText(leftMs)} left`}`, ...share };
    case 'kernels':
      return { words: `Building kernels: ${name}`, ...share };
    case 'weights':
      return { words: `Loading weights: ${name}`, ...share };
    case 'palettizing':
      return { words: `Palettizing: ${part}`, ...share };
    case 'painting':
      return { words: `Painting, step ${loaded} of ${total}`, ...share };
    default:
      return { words: `Running: ${name}`, ...share };
  }
}

function leftText(ms: number): string {
  const seconds = Math.ceil(ms / 1000);
  return seconds < 90 ? `${seconds} s` : `${Math.ceil(seconds / 60)} min`;
}
