import type { ReactElement } from 'react';
import { PictureActions } from '../gallery/picture-actions.js';
import type { KeptPicture } from '../storage/database.js';
import { schedulerTitle } from './scheduler-names.js';
import { useStudio } from '../studio-context.js';

/** What the picture on the easel was made with, and what to do with it. */
export function ShownPicture({ picture }: { readonly picture: KeptPicture }): ReactElement {
  const { make } = useStudio();
  const { settings } = picture;
  return (
    <div className="shown">
      <p className="shown-facts">
        seed {settings.seed} · {settings.steps} steps · guidance {settings.guidance} ·{' '}
        {schedulerTitle(settings.scheduler)}
      </p>
      <div className="shown-actions">
        <button
          type="button"
          className="button-quiet"
          onClick={() => make.getState().change({ seed: settings.seed, seedMode: 'keep' })}
        >
          Use this seed
        </button>
        <PictureActions picture={picture} worded />
      </div>
    </div>
  );
}
