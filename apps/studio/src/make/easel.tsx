import { useEffect, useRef, type ReactElement } from 'react';
import { useStore } from 'zustand/react';
import { allPictures } from '../gallery/gallery-store.js';
import { useStudio } from '../studio-context.js';
import { EaselPicture } from './easel-picture.js';
import { PixelsCanvas } from './pixels-canvas.js';
import { RunOutcome } from './run-outcome.js';
import { Welcome } from './welcome.js';
import { ShownPicture } from './shown-picture.js';

/** The picture at the centre: as it comes about, or as it came out. */
export function Easel(): ReactElement {
  const { run, gallery, make } = useStudio();
  const { phase, preview, shown, failure } = useStore(run);
  const kept = useStore(gallery);
  const pictures = allPictures(kept);
  const { width, height } = useStore(make, ({ form }) => form);
  const busy = phase.kind !== 'idle';
  const picture = busy ? undefined : pictures.find(({ id }) => id === shown);
  const shape = picture ?? { width, height };
  const isFirstVisit = !busy && !failure && kept.pictures !== undefined && pictures.length === 0;
  const section = useRef<HTMLElement>(null);
  useEffect(() => {
    // On a phone the button is within reach wherever the page is scrolled to, and the easel may be out of sight.
    if (busy) section.current?.scrollIntoView({ block: 'nearest' });
  }, [busy]);
  return (
    <section ref={section} className="easel" aria-label="Picture">
      <div
        className={`canvas-frame${busy ? ' is-busy' : ''}${picture || preview ? '' : ' is-empty'}`}
        style={{ aspectRatio: `${shape.width} / ${shape.height}`, '--ratio': shape.width / shape.height } as object}
      >
        {picture ? (
          <EaselPicture key={picture.id} picture={picture} />
        ) : preview ? (
          <PixelsCanvas pixels={preview} label="The picture as it comes about" />
        ) : isFirstVisit ? (
          <Welcome />
        ) : (
          <p>{busy ? 'The first look comes with the first step.' : 'Your picture will stand here.'}</p>
        )}
      </div>
      <RunOutcome />
      {picture && <ShownPicture picture={picture} />}
    </section>
  );
}
