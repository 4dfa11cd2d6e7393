import { useState, type ReactElement } from 'react';
import { useStore } from 'zustand/react';
import { useStudio } from '../studio-context.js';
import { CheckField } from '../ui/check-field.js';
import { Icon } from '../ui/icon.js';
import { SliderField } from '../ui/slider-field.js';
import { MaskEditor } from './mask-editor.js';
import type { StartImage } from './start-store.js';

/** What of the picture to begin with is made anew, and how that is put into the rest. */
export function MaskSettings({ image }: { readonly image: StartImage }): ReactElement {
  const { start } = useStudio();
  const { mask, setMask } = useStore(start);
  const [masking, setMasking] = useState(false);
  return (
    <>
      <div className="start-mask">
        <button type="button" className="button-plain" onClick={() => setMasking(true)}>
          <Icon name="brush" /> {mask ? 'Change mask' : 'Make only a part anew'}
        </button>
        {mask && (
          <button type="button" className="button-quiet" onClick={() => setMask(undefined)}>
            Remove mask
          </button>
        )}
      </div>
      {mask && <MaskUse />}
      {masking && (
        <MaskEditor
          image={image}
          mask={mask}
          onClose={() => setMasking(false)}
          onDone={(painted) => {
            setMask(painted);
            setMasking(false);
          }}
        />
      )}
    </>
  );
}

/** The form's fields about a mask. */
function MaskUse(): ReactElement {
  const { make } = useStudio();
  const { form, change } = useStore(make);
  const { maskBlur, pasteBack, onlyMasked, maskPadding } = form;
  return (
    <>
      <SliderField
        label="Mask blur"
        min={0}
        max={64}
        value={maskBlur}
        onChange={(value) => change({ maskBlur: value })}
      />
      <CheckField
        label="Work on the masked part only"
        hint="At the full size, then put back: more detail for small things."
        checked={onlyMasked}
        onChange={(checked) => change({ onlyMasked: checked })}
      />
      {onlyMasked ? (
        <SliderField
          label="Pixels around it"
          min={0}
          max={256}
          step={4}
          value={maskPadding}
          onChange={(value) => change({ maskPadding: Math.round(value) })}
        />
      ) : (
        <CheckField
          label="Keep the rest pixel for pixel"
          checked={pasteBack}
          onChange={(checked) => change({ pasteBack: checked })}
        />
      )}
    </>
  );
}
