import type { ReactElement } from 'react';
import { useStore } from 'zustand/react';
import { useStudio } from '../studio-context.js';
import { allPictures } from './gallery-store.js';
import { PictureActions } from './picture-actions.js';
import { PictureImage } from './picture-image.js';

/** All pictures that were kept. */
export function GalleryPage(): ReactElement {
  const { gallery, run } = useStudio();
  const state = useStore(gallery);
  const pictures = allPictures(state);
  return (
    <div className="gallery page">
      <h1>Gallery</h1>
      {state.broken && <p role="alert">The gallery cannot be read: {state.broken}</p>}
      {state.pictures && pictures.length === 0 && (
        <p>
          Nothing here yet. <a href="#/make">Make a picture</a>, and it is kept in this browser with its settings.
        </p>
      )}
      <ul className="gallery-grid">
        {pictures.map((picture) => (
          <li key={picture.id} className="gallery-card">
            <button
              type="button"
              className="gallery-picture"
              onClick={() => {
                run.setState({ shown: picture.id });
                location.hash = '#/make';
              }}
            >
              <PictureImage picture={picture} lazy />
            </button>
            <p className="gallery-prompt">{picture.settings.prompt}</p>
            <PictureActions picture={picture} />
          </li>
        ))}
      </ul>
    </div>
  );
}
