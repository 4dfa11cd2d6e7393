import { useEffect, useId, useRef, useState, type DragEvent, type ReactElement } from 'react';
import { useStore } from 'zustand/react';
import { useStudio } from '../../studio-context.js';
import { Icon } from '../../ui/icon.js';
import { chosenFiles, droppedFiles } from '../dropped-files.js';
import { pickedModel, type PickedFile } from '../picked-model.js';
import { ConvertForm } from './convert-form.js';

/** Adds a checkpoint or a folder of this computer, converted on its way into the browser's storage. */
export function AddFromDisk(): ReactElement {
  const { modelShelf, pick } = useStudio();
  const { picked } = useStore(pick);
  const [over, setOver] = useState(false);
  const id = useId();
  const section = useRef<HTMLElement>(null);
  // Below the models that are here, it may be out of sight of who dropped something on another page.
  useEffect(() => {
    if (picked) section.current?.scrollIntoView({ block: 'nearest' });
  }, [picked]);

  const take = (files: readonly PickedFile[]): void => pick.setState({ picked: pickedModel(files) });
  const onDrop = (event: DragEvent): void => {
    event.preventDefault();
    setOver(false);
    void droppedFiles(event.dataTransfer).then(take);
  };
  return (
    <section
      ref={section}
      className={`panel drop-panel${over ? ' is-over' : ''}`}
      aria-labelledby={`${id}-title`}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={onDrop}
    >
      <h2 id={`${id}-title`}>From this computer</h2>
      <p className="hint">
        Drop a <code>.safetensors</code> checkpoint or a folder in diffusers layout here. It is converted on its way
        into this browser, and made smaller if you like; nothing is uploaded.
      </p>
      <div className="pick-row">
        <label className="button-plain pick">
          <Icon name="plus" /> Choose a file
          <input
            type="file"
            className="visually-hidden"
            onChange={({ target }) => {
              take(chosenFiles(target.files));
              target.value = '';
            }}
          />
        </label>
        <label className="button-plain pick">
          <Icon name="plus" /> Choose a folder
          <input
            type="file"
            className="visually-hidden"
            // React knows no attribute of that name.
            ref={(input) => input?.setAttribute('webkitdirectory', '')}
            onChange={({ target }) => {
              take(chosenFiles(target.files));
              target.value = '';
            }}
          />
        </label>
      </div>
      <div aria-live="polite">
        {picked?.kind === 'refused' && <p className="notice-warning">{picked.why}</p>}
        {picked?.kind === 'model' && (
          <ConvertForm
            key={`${picked.title} ${picked.spot.kind}`}
            title={picked.title}
            spot={picked.spot}
            onConvert={(order) => {
              pick.setState({ picked: undefined });
              void modelShelf.convert(order);
            }}
            onLeave={() => pick.setState({ picked: undefined })}
          />
        )}
      </div>
    </section>
  );
}
