import type { ReactElement } from 'react';
import { showPicture } from '../make/run-store.js';
import { goTo } from '../routes.js';
import { useStudio } from '../studio-context.js';
import type { KeptPicture } from '../storage/database.js';
import { PictureActions } from './picture-actions.js';
import { PictureImage } from './picture-image.js';

/** A picture of the gallery. */
export function GalleryCard({ picture, selected, kept, onSelect }: GalleryCardProps): ReactElement {
  const { run } = useStudio();
  const { settings, madeAt } = picture;
  return (
    <li className={`gallery-card${selected ? ' is-selected' : ''}`}>
      <div className="gallery-frame">
        <button
          type="button"
          className="gallery-picture"
          title="Put it on the easel"
          onClick={() => {
            showPicture(run, picture.id);
            goTo('make');
          }}
        >
          <PictureImage picture={picture} lazy />
        </button>
        <label className="gallery-select" title="Select">
          <input
            type="checkbox"
            checked={selected}
            aria-label={`Select: ${settings.prompt}, seed ${settings.seed}`}
            onChange={({ target }) => onSelect(target.checked)}
          />
        </label>
      </div>
      <p className="gallery-prompt">{settings.prompt}</p>
      <p className="hint">
        {kept ? dateOf(madeAt) : 'Not kept: the browser had no room'} · seed {settings.seed}
      </p>
      <PictureActions picture={picture} />
    </li>
  );
}

interface GalleryCardProps {
  readonly picture: KeptPicture;
  readonly selected: boolean;
  /** False for pictures that last as long as the page. */
  readonly kept: boolean;
  readonly onSelect: (selected: boolean) => void;
}

function dateOf(time: number): string {
  return new Date(time).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'short' });
}
