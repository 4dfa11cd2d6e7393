import { proxy, type Remote } from 'comlink';
import { useCallback } from 'react';
import { useStore } from 'zustand/react';
import type { Answer, BonnetEngine, BonnetNews } from '../engine/bonnet-protocol.js';
import type { Failure } from '../engine/protocol.js';
import { useStudio } from '../studio-context.js';
import { timeInWords } from '../words/figures.js';
import { restingTask, type TaskName, type TaskProgress } from './bonnet-store.js';
import { partText } from './format.js';

/** A question to the engine that takes a while; it goes on while other pages are looked at. */
export interface Task<T> {
  readonly running: boolean;
  readonly progress: TaskProgress | undefined;
  readonly failure: Failure | undefined;
  /** Asks; `onAnswer` gets the answer where there is one. */
  readonly ask: (question: Question<T>, onAnswer: (value: T) => void, onCancelled?: () => void) => Promise<void>;
  readonly cancel: () => void;
}

/** @param tell - Goes to the engine as it is. */
export type Question<T> = (
  engine: Remote<BonnetEngine>,
  tell: (news: BonnetNews & { readonly leftMs?: number }) => void,
) => Promise<Answer<T>>;

/** One question at a time of each name, its progress and what went wrong. */
export function useTask<T>(name: TaskName): Task<T> {
  const { engine, bonnet } = useStudio();
  const { running, progress, failure } = useStore(bonnet, ({ tasks }) => tasks[name] ?? restingTask);
  const ask = useCallback(
    async (question: Question<T>, onAnswer: (value: T) => void, onCancelled?: () => void): Promise<void> => {
      const change = (state: Partial<typeof restingTask>): void =>
        bonnet.setState(({ tasks }) => ({ tasks: { ...tasks, [name]: { ...restingTask, ...state } } }));
      change({ running: true, progress: { words: 'Starting' } });
      const tell = proxy((news: BonnetNews & { readonly leftMs?: number }) => {
        // News may come after the end: they travel on a channel of their own.
        if (bonnet.getState().tasks[name]?.running) change({ running: true, progress: progressOf(news) });
      });
      const answer = await engine.ask((asked) => question(asked, tell));
      change(answer.kind === 'failed' ? { failure: answer } : {});
      if (answer.kind === 'answer') onAnswer(answer.value);
      if (answer.kind === 'cancelled') onCancelled?.();
    },
    [engine, bonnet, name],
  );
  return { running, progress, failure, ask, cancel: () => void engine.cancel() };
}

function progressOf({ part, phase, loaded, total, leftMs }: BonnetNews & { readonly leftMs?: number }): TaskProgress {
  const share = total > 0 ? { share: Math.min(1, loaded / total) } : {};
  const name = partText(part);
  switch (phase) {
    case 'tuning':
      return {
        words: `Timing kernels: ${name}${leftMs === undefined ? '' : `, ${timeInWords(Math.ceil(leftMs / 1000))} left`}`,
        ...share,
      };
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
