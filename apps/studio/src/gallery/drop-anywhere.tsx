import { useEffect, useState, type ReactElement } from 'react';
import { useStudio } from '../studio-context.js';
import { takeDrop } from '../make/take-file.js';
import { droppedFiles } from '../models/dropped-files.js';

/** What is dropped anywhere: a PNG with settings inside restores them, another picture is one to begin with, a model is added. */
export function DropAnywhere(): ReactElement | null {
  const studio = useStudio();
  const [over, setOver] = useState(false);
  useEffect(() => {
    // A page's own drop targets, such as one for models, take their events first.
    const ours = (event: DragEvent): boolean =>
      !event.defaultPrevented && (event.dataTransfer?.types.includes('Files') ?? false);
    const onOver = (event: DragEvent): void => {
      if (!ours(event)) return;
      event.preventDefault();
      setOver(true);
    };
    const onLeave = (event: DragEvent): void => {
      if (event.relatedTarget === null) setOver(false);
    };
    const onDrop = (event: DragEvent): void => {
      setOver(false);
      if (!ours(event)) return;
      event.preventDefault();
      void droppedFiles(event.dataTransfer!).then((files) => takeDrop(studio, files));
    };
    addEventListener('dragover', onOver);
    addEventListener('dragleave', onLeave);
    addEventListener('drop', onDrop);
    return () => {
      removeEventListener('dragover', onOver);
      removeEventListener('dragleave', onLeave);
      removeEventListener('drop', onDrop);
    };
  }, [studio]);
  return over ? (
    <div className="drop-sheet" aria-hidden="true">
      <p>Drop it: settings inside a picture are restored, other pictures are begun with, models are added.</p>
    </div>
  ) : null;
}
