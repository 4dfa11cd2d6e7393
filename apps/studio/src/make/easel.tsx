import type { ReactElement } from 'react';
import { useStore } from 'zustand/react';
import { allPictures } from '../gallery/gallery-store.js';
import { PictureImage } from '../gallery/picture-image.js';
import { useStudio } from '../studio-context.js';
import { PixelsCanvas } from './pixels-canvas.js';
import { RunOutcome } from './run-outcome.js';
import { ShownPicture } from './shown-picture.js';

/** The picture at the centre: as it comes about, or as it came out. */
export function Easel(): ReactElement {
  const { run, gallery, make } = useStudio();
  const { phase, preview, shown } = useStore(run);
  const pictures = allPictures(useStore(gallery));
  const { width, height } = useStore(make, ({ form }) => form);
  const busy = phase.kind !== 'idle';
  const picture = busy ? undefined : pictures.find(({ id }) => id === shown);
  const shape = picture ?? { width, height };
  return (
    <section className="easel" aria-label="Picture">
      <div
        className={`canvas-frame${busy ? ' is-busy' : ''}${picture || preview ? '' : ' is-empty'}`}
        style={{ aspectRatio: `${shape.width} / ${shape.height}`, '--ratio': shape.width / shape.height } as object}
      >
        {picture ? (
          <PictureImage picture={picture} />
        ) : preview ? (
          <PixelsCanvas pixels={preview} label="The picture as it comes about" />
        ) : (
          <p>{busy ? 'The first look comes with the first step.' : 'Your picture will stand here.'}</p>
        )}
      </div>
      <RunOutcome />
      {picture && <ShownPicture picture={picture} />}
    </section>
  );
}
