import type { ReactElement } from 'react';
import { useStore } from 'zustand/react';
import { useStudio } from '../../studio-context.js';
import { bytesInWords } from '../../words/figures.js';

/** Storage used and free. */
export function StorageLine(): ReactElement | null {
  const { modelShelf } = useStudio();
  const storage = useStore(modelShelf.store, (state) => state.storage);
  if (!storage) return null;
  const { modelBytes, freeBytes, usedBytes, persistent } = storage;
  return (
    <div className="storage">
      <meter aria-label="Storage used" min={0} max={usedBytes + freeBytes || 1} value={usedBytes} />
      <p>
        <strong>{modelBytes === 0 ? 'Nothing' : bytesInWords(modelBytes)}</strong> kept in this browser,{' '}
        <strong>{bytesInWords(freeBytes)}</strong> free
      </p>
      <p className="hint">
        {persistent
          ? 'The browser keeps it until you delete it.'
          : 'The browser may clear it by itself when the disk is full.'}
      </p>
    </div>
  );
}
