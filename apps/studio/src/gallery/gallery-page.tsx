import { useState, type ReactElement } from 'react';
import { useStore } from 'zustand/react';
import { useStudio } from '../studio-context.js';
import { Icon } from '../ui/icon.js';
import { CompareDialog } from './compare-dialog.js';
import { GalleryCard } from './gallery-card.js';
import { allPictures } from './gallery-store.js';
import { removePictures } from './remove.js';

/** All pictures that were kept. */
export function GalleryPage(): ReactElement {
  const studio = useStudio();
  const state = useStore(studio.gallery);
  const [chosen, setChosen] = useState<readonly string[]>([]);
  const [comparing, setComparing] = useState(false);
  const pictures = allPictures(state);
  // In the order in which they were chosen; those deleted meanwhile are gone.
  const selected = chosen.flatMap((id) => pictures.find((picture) => picture.id === id) ?? []);
  const [left, right] = selected;
  return (
    <div className="gallery page">
      <h1>Gallery</h1>
      {state.broken && <p role="alert">The gallery cannot be read: {state.broken}</p>}
      {state.pictures && pictures.length === 0 && (
        <div className="gallery-empty">
          <Icon name="gallery" />
          <p>Nothing here yet. Every picture you make is kept in this browser, with its settings.</p>
          <a className="button-main" href="#/make">
            Make a picture
          </a>
          <p className="hint">Or drop a picture of Studio’s here: it gives its settings back.</p>
        </div>
      )}
      {pictures.length > 0 && (
        <p className="hint">
          Select two to compare them. A picture of Studio’s that is dropped here gives its settings back.
        </p>
      )}
      <ul className="gallery-grid">
        {pictures.map((picture) => (
          <GalleryCard
            key={picture.id}
            picture={picture}
            kept={!state.unkept.includes(picture)}
            selected={chosen.includes(picture.id)}
            onSelect={(add) =>
              setChosen((before) => [...before.filter((id) => id !== picture.id), ...(add ? [picture.id] : [])])
            }
          />
        ))}
      </ul>
      {left && (
        <div className="gallery-bar" role="toolbar" aria-label="Selected pictures">
          <p>{selected.length} selected</p>
          <button
            type="button"
            className="button-main"
            disabled={selected.length !== 2}
            onClick={() => setComparing(true)}
          >
            Compare
          </button>
          <button type="button" className="button-plain" onClick={() => void removePictures(studio, selected)}>
            Delete
          </button>
          <button type="button" className="button-quiet" onClick={() => setChosen([])}>
            Select none
          </button>
        </div>
      )}
      {comparing && left && right && <CompareDialog left={left} right={right} onClose={() => setComparing(false)} />}
    </div>
  );
}
