import { useState, type CSSProperties, type ReactElement } from 'react';
import { PictureImage } from '../gallery/picture-image.js';
import type { KeptPicture } from '../storage/database.js';
import { Modal } from '../ui/modal.js';

/** A finished picture on the easel; one click shows it as large as the window. */
export function EaselPicture({ picture }: { readonly picture: KeptPicture }): ReactElement {
  const [large, setLarge] = useState(false);
  const { settings, width, height } = picture;
  return (
    <>
      <button
        type="button"
        className="easel-picture"
        title="Enlarge"
        aria-label={`Enlarge: ${settings.prompt}`}
        onClick={() => setLarge(true)}
      >
        <PictureImage picture={picture} />
      </button>
      {large && (
        <Modal title={`${width} × ${height}`} className="large-picture" onClose={() => setLarge(false)}>
          <div style={{ '--ratio': width / height } as CSSProperties}>
            <PictureImage picture={picture} />
          </div>
        </Modal>
      )}
    </>
  );
}
