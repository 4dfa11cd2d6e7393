import { persist, type PersistStorage } from 'zustand/middleware';
import { createStore, type StoreApi } from 'zustand/vanilla';
import type { MemoryChoice } from '../engine/protocol.js';
import { soundFields } from './kept-form.js';

/** What the form of the Make page holds; all of it is remembered over reloads. */
export interface MakeForm {
  readonly prompt: string;
  readonly negative: string;
  readonly width: number;
  readonly height: number;
  readonly steps: number;
  readonly guidance: number;
  /** A scheduler's name, or '' for the model's own. */
  readonly scheduler: string;
  readonly seed: number;
  /** `random`: a new seed for each run; `keep`: the one in `seed`. */
  readonly seedMode: 'random' | 'keep';
  readonly count: number;
  /** Of runs that begin with a picture. */
  readonly strength: number;
  readonly maskBlur: number;
  readonly pasteBack: boolean;
  /** Works on the masked part alone, at the full size, and puts it back. */
  readonly onlyMasked: boolean;
  /** Pixels around the masked part that are worked on with it. */
  readonly maskPadding: number;
  readonly preview: 'off' | 'quick' | 'full';
  readonly memory: MemoryChoice;
}

/** The form, and how it is changed. */
export interface MakeState {
  readonly form: MakeForm;
  readonly change: (changes: Partial<MakeForm>) => void;
  /** Begins anew; the form that was remembered is forgotten. */
  readonly startAfresh: () => void;
}

/** What the form begins with: the demo model's values. */
export const initialForm: MakeForm = {
  prompt: 'a snowy mountain under a full moon',
  negative: '',
  width: 128,
  height: 128,
  steps: 20,
  guidance: 4,
  scheduler: '',
  seed: 1,
  seedMode: 'random',
  count: 1,
  strength: 0.6,
  maskBlur: 4,
  pasteBack: true,
  onlyMasked: false,
  maskPadding: 32,
  preview: 'quick',
  memory: 'auto',
};

type Kept = Pick<MakeState, 'form'>;

const formKey = 'pleinair-studio-form';

/** @param storage - Remembers the form over reloads. */
export function createMakeStore(storage: PersistStorage<Kept> | undefined): StoreApi<MakeState> {
  return createStore<MakeState>()(
    persist(
      (set) => ({
        form: initialForm,
        change: (changes) => set(({ form }) => ({ form: { ...form, ...changes } })),
        startAfresh: () => {
          set({ form: initialForm });
          void storage?.removeItem(formKey);
        },
      }),
      {
        name: formKey,
        storage,
        partialize: ({ form }) => ({ form }),
        // A form kept by an older version may lack fields; anything may stand in the storage.
        merge: (kept, state) => ({
          ...state,
          form: { ...state.form, ...soundFields((kept as Partial<Kept> | undefined)?.form, state.form) },
        }),
      },
    ),
  );
}
