import { createStore, type StoreApi } from 'zustand/vanilla';

/** A short notice, with something to do about it perhaps. */
export interface Toast {
  readonly id: string;
  readonly text: string;
  readonly tone: 'plain' | 'warning';
  readonly action?: { readonly label: string; readonly run: () => void };
}

/** Notices that are shown. */
export interface ToastState {
  readonly toasts: readonly Toast[];
  /** Shows a notice for a while; one that asks for something stays until it is answered. */
  readonly say: (text: string, more?: Partial<Pick<Toast, 'tone' | 'action'>>) => void;
  readonly dismiss: (id: string) => void;
}

const secondsShown = 8;

/** Makes the store, empty. */
export function createToastStore(): StoreApi<ToastState> {
  return createStore<ToastState>((set, get) => ({
    toasts: [],
    say: (text, { tone = 'plain', action } = {}) => {
      const id = crypto.randomUUID();
      set(({ toasts }) => ({ toasts: [...toasts.slice(-2), { id, text, tone, action }] }));
      if (tone === 'plain') setTimeout(() => get().dismiss(id), secondsShown * 1000);
    },
    dismiss: (id) => set(({ toasts }) => ({ toasts: toasts.filter((each) => each.id !== id) })),
  }));
}
