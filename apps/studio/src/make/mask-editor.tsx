import { useMemo, useState, type CSSProperties, type ReactElement } from 'react';
import type { Pixels } from '../engine/protocol.js';
import { Icon } from '../ui/icon.js';
import { Modal } from '../ui/modal.js';
import { SliderField } from '../ui/slider-field.js';
import { useObjectUrl } from '../ui/use-object-url.js';
import { MaskLayer } from './mask-layer.js';
import type { StartImage } from './start-store.js';
import { useMaskBrush, type BrushMode } from './use-mask-brush.js';

const longestSide = 1024;

/** Paints where a picture is made anew. */
export function MaskEditor({ image, mask, onDone, onClose }: MaskEditorProps): ReactElement {
  const layer = useMemo(() => {
    // A mask finer than pictures are made would be for nothing.
    const scale = Math.min(1, longestSide / Math.max(image.width, image.height));
    return new MaskLayer(Math.round(image.width * scale), Math.round(image.height * scale), mask);
  }, [image, mask]);
  const [mode, setMode] = useState<BrushMode>('paint');
  const [size, setSize] = useState(12);
  const radius = (size / 200) * Math.max(layer.width, layer.height);
  const brush = useMaskBrush(layer, mode, radius);
  const url = useObjectUrl(image.blob);
  const percent = Math.round(brush.share * 100);
  const frame = { aspectRatio: `${image.width} / ${image.height}`, '--ratio': image.width / image.height };
  const cursor: CSSProperties = {
    left: `${(brush.cursor.x / layer.width) * 100}%`,
    top: `${(brush.cursor.y / layer.height) * 100}%`,
    width: `${((2 * radius) / layer.width) * 100}%`,
    aspectRatio: '1',
  };
  return (
    <Modal title="What is to be made anew?" className="mask-editor" onClose={onClose}>
      <div className="mask-frame" style={frame}>
        <img src={url} alt="" />
        {/* A drawing surface that keys work on has no role of its own. */}
        <canvas
          ref={brush.canvas}
          className={mode}
          role="application"
          tabIndex={0}
          aria-label={`Mask, ${percent} % is made anew. Arrow keys move the brush, Space dabs, Control with arrow keys draws.`}
          {...brush.handlers}
        />
        <span className="mask-cursor" style={cursor} />
      </div>
      <div className="mask-tools">
        <div role="group" aria-label="Brush" className="mask-modes">
          <button
            type="button"
            className="toggle-button"
            aria-pressed={mode === 'paint'}
            onClick={() => setMode('paint')}
          >
            <Icon name="brush" /> Paint
          </button>
          <button
            type="button"
            className="toggle-button"
            aria-pressed={mode === 'erase'}
            onClick={() => setMode('erase')}
          >
            <Icon name="eraser" /> Erase
          </button>
        </div>
        <SliderField label="Brush size" min={1} max={60} value={size} onChange={setSize} />
        <div className="mask-modes">
          <button type="button" className="button-quiet" disabled={!brush.canUndo} onClick={brush.undo}>
            Undo
          </button>
          <button type="button" className="button-quiet" onClick={brush.invert}>
            Invert
          </button>
          <button type="button" className="button-quiet" onClick={brush.clear}>
            Clear
          </button>
        </div>
        <p className="hint" role="status">
          {percent === 0 && brush.share === 0
            ? 'Nothing painted: all of the picture is made anew.'
            : `${percent} % is made anew.`}
        </p>
        <p className="hint mask-keys">
          By keyboard: arrow keys move the brush, Space dabs, Control with arrow keys draws, Control with Z undoes.
        </p>
        <button
          type="button"
          className="button-main"
          onClick={() => onDone(brush.share > 0 ? layer.toPixels() : undefined)}
        >
          Done
        </button>
      </div>
    </Modal>
  );
}

interface MaskEditorProps {
  readonly image: StartImage;
  readonly mask: Pixels | undefined;
  readonly onDone: (mask: Pixels | undefined) => void;
  readonly onClose: () => void;
}
