import type { ReactElement } from 'react';
import { goTo } from '../routes.js';
import type { KeptPicture } from '../storage/database.js';
import type { Studio } from '../studio.js';
import { useStudio } from '../studio-context.js';
import { Icon, type IconName } from '../ui/icon.js';
import { download, fileName } from './picture-file.js';
import { removePictures } from './remove.js';
import { reuse } from './reuse.js';

/** What can be done with a picture; with words beside the icons, where there is room. */
export function PictureActions({ picture, worded = false }: PictureActionsProps): ReactElement {
  const studio = useStudio();
  return (
    <div className={`actions${worded ? ' is-worded' : ''}`} role="group" aria-label="Picture">
      <Action icon="reuse" label="Reuse settings" word="Reuse" onClick={() => reuse(studio, picture)} />
      <Action
        icon="image"
        label="Begin with this picture"
        word="Begin with this"
        onClick={() => beginWith(studio, picture)}
      />
      <Action icon="download" label="Download" onClick={() => download(picture.png, fileName(picture))} />
      <Action icon="copy" label="Copy" onClick={() => void copy(studio, picture)} />
      {canShare(picture) && <Action icon="share" label="Share" onClick={() => void share(studio, picture)} />}
      <Action icon="trash" label="Delete" onClick={() => void removePictures(studio, [picture])} />
    </div>
  );
}

interface PictureActionsProps {
  readonly picture: KeptPicture;
  readonly worded?: boolean;
}

interface ActionProps {
  readonly icon: IconName;
  readonly label: string;
  /** Its beginning, where the icon alone would not do. @defaultValue label */
  readonly word?: string;
  readonly onClick: () => void;
}

function Action({ icon, label, word = label, onClick }: ActionProps): ReactElement {
  return (
    <button type="button" className="icon-button" aria-label={label} title={label} onClick={onClick}>
      <Icon name={icon} />
      <span className="action-word">{word}</span>
    </button>
  );
}

function beginWith({ start, make }: Studio, { png, width, height, settings }: KeptPicture): void {
  start.getState().begin({ blob: png, width, height, name: `seed ${settings.seed}` });
  make.getState().change({ width, height });
  goTo('make');
}

async function copy({ toasts }: Studio, { png }: KeptPicture): Promise<void> {
  try {
    await navigator.clipboard.write([new ClipboardItem({ 'image/png': png })]);
    toasts.getState().say('Copied.');
  } catch {
    toasts.getState().say('This browser does not let pages copy pictures. Download it instead.', { tone: 'warning' });
  }
}

function shareable(picture: KeptPicture): ShareData {
  return { files: [new File([picture.png], fileName(picture), { type: 'image/png' })], text: picture.settings.prompt };
}

function canShare(picture: KeptPicture): boolean {
  return typeof navigator.canShare === 'function' && navigator.canShare(shareable(picture));
}

async function share({ toasts }: Studio, picture: KeptPicture): Promise<void> {
  try {
    await navigator.share(shareable(picture));
  } catch (error) {
    // The user thought better of it.
    if (error instanceof Error && error.name === 'AbortError') return;
    toasts.getState().say('It could not be shared. Download it instead.', { tone: 'warning' });
  }
}
