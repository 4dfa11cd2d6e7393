import type { ReactElement } from 'react';
import { useStore } from 'zustand/react';
import { allPictures } from '../gallery/gallery-store.js';
import { PictureImage } from '../gallery/picture-image.js';
import { useStudio } from '../studio-context.js';
import { showPicture } from './run-store.js';

const length = 12;

/** The latest pictures; one click puts one on the easel. */
export function Filmstrip(): ReactElement | null {
  const { gallery, run } = useStudio();
  const pictures = allPictures(useStore(gallery)).slice(0, length);
  const { shown, phase } = useStore(run);
  if (pictures.length === 0) return null;
  return (
    <section className="filmstrip" aria-label="Latest pictures">
      <ul>
        {pictures.map((picture) => (
          <li key={picture.id}>
            <button
              type="button"
              aria-pressed={picture.id === shown}
              disabled={phase.kind !== 'idle'}
              onClick={() => showPicture(run, picture.id)}
            >
              <PictureImage picture={picture} lazy />
            </button>
          </li>
        ))}
      </ul>
      <a href="#/gallery">All pictures</a>
    </section>
  );
}
