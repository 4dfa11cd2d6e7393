import { useRef, type ReactElement } from 'react';
import { useStore } from 'zustand/react';
import { useStudio } from '../studio-context.js';
import { Icon } from '../ui/icon.js';
import { SliderField } from '../ui/slider-field.js';
import { useObjectUrl } from '../ui/use-object-url.js';
import type { MakeForm } from './make-store.js';
import { MaskSettings } from './mask-settings.js';
import type { StartImage } from './start-store.js';
import { beginWithFile } from './take-file.js';

/** The picture that runs begin with, if any, and what of it is made anew. */
export function StartPanel(): ReactElement {
  const studio = useStudio();
  const image = useStore(studio.start, (state) => state.image);
  const input = useRef<HTMLInputElement>(null);
  return (
    <section className="start" aria-label="Picture to begin with">
      <input
        ref={input}
        type="file"
        accept="image/*"
        hidden
        aria-label="Picture to begin with"
        onChange={({ target }) => {
          const [file] = target.files ?? [];
          if (file) void beginWithFile(studio, file);
          target.value = ''; // choosing the same file again is a change, too
        }}
      />
      {image ? (
        <StartSettings image={image} onReplace={() => input.current?.click()} />
      ) : (
        <button type="button" className="start-choose" onClick={() => input.current?.click()}>
          <Icon name="image" />
          <span>
            Begin with a picture
            <span className="hint">Choose one, or drop it anywhere</span>
          </span>
        </button>
      )}
    </section>
  );
}

function StartSettings({
  image,
  onReplace,
}: {
  readonly image: StartImage;
  readonly onReplace: () => void;
}): ReactElement {
  const { start, make } = useStudio();
  const { mask, clear } = useStore(start);
  const { form, change } = useStore(make);
  const url = useObjectUrl(image.blob);
  return (
    <>
      <div className="start-image">
        <img src={url} alt="" />
        <div>
          <p className="start-name" title={image.name}>
            {image.name}
          </p>
          <p className="hint">
            {image.width} × {image.height}
            {mask && form.onlyMasked
              ? `, its masked part painted at ${form.width} × ${form.height}`
              : isStretched(image, form) && `, stretched to ${form.width} × ${form.height}`}
          </p>
          <button type="button" className="button-quiet" onClick={onReplace}>
            Replace
          </button>
          <button type="button" className="button-quiet" onClick={clear}>
            Remove
          </button>
        </div>
      </div>
      <SliderField
        label="Strength"
        min={0.05}
        max={1}
        step={0.05}
        value={form.strength}
        hint={stepsInWords(form)}
        onChange={(strength) => change({ strength })}
      />
      <MaskSettings image={image} />
    </>
  );
}

/** How much of the schedule runs over a picture. */
function stepsInWords({ steps, strength }: Pick<MakeForm, 'steps' | 'strength'>): string {
  const run = Math.floor(steps * strength);
  if (run === 0) return 'No step would run over it: take more strength, or more steps.';
  return run === steps ? 'Nothing of it is kept.' : `${run} of ${steps} steps run over it.`;
}

interface Sized {
  readonly width: number;
  readonly height: number;
}

/** Whether proportions change by more than rounding to whole latents does. */
function isStretched(from: Sized, to: Sized): boolean {
  return Math.abs((from.width * to.height) / (from.height * to.width) - 1) > 0.03;
}
