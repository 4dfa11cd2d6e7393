import type { ReactElement } from 'react';
import type { KeptPicture } from '../storage/database.js';
import { useObjectUrl } from '../ui/use-object-url.js';

/** A kept picture. Small ones are shown without smearing their pixels. */
export function PictureImage({
  picture,
  lazy,
}: {
  readonly picture: KeptPicture;
  readonly lazy?: boolean;
}): ReactElement {
  const url = useObjectUrl(picture.png);
  const { width, height, settings } = picture;
  return (
    <img
      src={url}
      alt={settings.prompt || 'A picture without a prompt'}
      width={width}
      height={height}
      loading={lazy ? 'lazy' : undefined}
      decoding="async"
    />
  );
}
