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
  /**
   * Shows a notice for a while; a warning stays until it is dismissed. Of many only the last are shown, and warnings with
   * something to do about them. One with the `id` of another takes its place.
   */
  readonly say: (text: string, more?: Partial<Pick<Toast, 'id' | 'tone' | 'action'>>) => void;
  readonly dismiss: (id: string) => void;
}

const secondsShown = 8;
const mostShown = 3;

/** Makes the store, empty. */
export function createToastStore(): StoreApi<ToastState> {
  return createStore<ToastState>((set, get) => ({
    toasts: [],
    say: (text, { id = crypto.randomUUID(), tone = 'plain', action } = {}) => {
      set(({ toasts }) => {
        const others = toasts.filter((each) => each.id !== id);
        const shown = others.filter(
          (each, index) => index > others.length - mostShown || (each.tone === 'warning' && each.action),
        );
        return { toasts: [...shown, { id, text, tone, action }] };
      });
      if (tone === 'plain') setTimeout(() => get().dismiss(id), secondsShown * 1000);
    },
    dismiss: (id) => set(({ toasts }) => ({ toasts: toasts.filter((each) => each.id !== id) })),
  }));
}
