import type { ReactElement } from 'react';
import { useStore } from 'zustand/react';
import { useStudio } from '../studio-context.js';
import { Icon } from './icon.js';

/** Notices at the foot of the page; a screen reader says them when they come. */
export function Toasts(): ReactElement {
  const { toasts: store } = useStudio();
  const { toasts, dismiss } = useStore(store);
  return (
    <div className="toasts" role="status" aria-live="polite">
      {toasts.map(({ id, text, tone, action }) => (
        <div key={id} className={`toast toast-${tone}`}>
          <p>{text}</p>
          {action && (
            <button
              type="button"
              className="button-quiet"
              onClick={() => {
                // First: what it does may say another in its place.
                dismiss(id);
                action.run();
              }}
            >
              {action.label}
            </button>
          )}
          <button type="button" className="icon-button" aria-label="Dismiss" onClick={() => dismiss(id)}>
            <Icon name="close" />
          </button>
        </div>
      ))}
    </div>
  );
}
