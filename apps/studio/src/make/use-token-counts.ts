import { useEffect, useState } from 'react';
import type { PromptTokens } from '../engine/protocol.js';
import type { ModelSpot } from '../models/studio-model.js';
import { useStudio } from '../studio-context.js';

const pauseMs = 120;

/** Tokens of prompts, counted by the model's own tokenizer while one types. Nothing before the first count. */
export function useTokenCounts(model: ModelSpot, prompts: readonly string[]): readonly PromptTokens[] | undefined {
  const { engine } = useStudio();
  const [counts, setCounts] = useState<readonly PromptTokens[]>();
  const key = JSON.stringify(prompts);
  useEffect(() => {
    let current = true;
    const count = async (): Promise<void> => {
      const counted = await engine.countTokens(model, JSON.parse(key) as string[]);
      if (current) setCounts(counted);
    };
    const timer = setTimeout(() => void count(), pauseMs);
    return () => {
      current = false;
      clearTimeout(timer);
    };
  }, [engine, model, key]);
  return counts;
}
