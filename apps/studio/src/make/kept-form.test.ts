import { createJSONStorage } from 'zustand/middleware';
import { describe, expect, it } from 'vitest';
import { soundFields } from './kept-form.js';
import { createMakeStore, initialForm } from './make-store.js';

const key = 'pleinair-studio-form';

function storageWith(text: string) {
  const kept = new Map([[key, text]]);
  const storage = {
    getItem: (name: string) => kept.get(name) ?? null,
    setItem: (name: string, value: string) => void kept.set(name, value),
    removeItem: (name: string) => void kept.delete(name),
  };
  return { kept, store: createMakeStore(createJSONStorage(() => storage)) };
}

describe('a form that was kept', () => {
  it('comes back whole', () => {
    const form = { ...initialForm, prompt: 'hills', steps: 7, memory: 'low' } as const;
    expect(storageWith(JSON.stringify({ state: { form }, version: 0 })).store.getState().form).toEqual(form);
  });

  it('loses the fields that are broken or unknown, and keeps the others', () => {
    const broken = {
      prompt: 5,
      negative: 'fog',
      width: null,
      steps: '20',
      seedMode: 'never',
      memory: 3,
      colour: 'red',
    };
    expect(soundFields({ ...broken, pasteBack: 'yes' }, initialForm)).toEqual({ negative: 'fog' });
    const { store } = storageWith(JSON.stringify({ state: { form: broken }, version: 0 }));
    expect(store.getState().form).toEqual({ ...initialForm, negative: 'fog' });
  });

  it.each(['{"state":{"form":null},"version":0}', '{"state":5,"version":0}', '{"state":null,"version":0}', 'no JSON'])(
    'is dropped where it is none: %s',
    (text) => {
      expect(storageWith(text).store.getState().form).toEqual(initialForm);
    },
  );

  it('is forgotten when the user begins anew', () => {
    const form = { ...initialForm, prompt: 'hills' };
    const { kept, store } = storageWith(JSON.stringify({ state: { form }, version: 0 }));
    store.getState().startAfresh();
    expect(store.getState().form).toEqual(initialForm);
    expect(kept.has(key)).toBe(false);
    store.getState().change({ steps: 3 });
    expect(kept.get(key)).toContain('"steps":3');
  });
});
