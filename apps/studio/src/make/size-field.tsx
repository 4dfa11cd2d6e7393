import type { CSSProperties, ReactElement } from 'react';
import type { SizePreset } from '../models/studio-model.js';

/** Sizes that suit the model, each drawn in its proportions. */
export function SizeField({ sizes, width, height, onChange }: SizeProps): ReactElement {
  const known = sizes.some((size) => size.width === width && size.height === height);
  const shown = known ? sizes : [...sizes, { label: 'As it was', width, height }];
  return (
    <fieldset className="field size-field">
      <legend>Size</legend>
      <div className="size-presets">
        {shown.map((size) => {
          const key = `${size.width}×${size.height}`;
          return (
            <label key={key} className="size-preset" title={`${size.label}: ${key}`}>
              <input
                type="radio"
                name="size"
                value={key}
                aria-label={`${size.label}, ${size.width} by ${size.height}`}
                checked={size.width === width && size.height === height}
                onChange={() => onChange(size.width, size.height)}
              />
              <span className="size-shape" style={shapeOf(size)} />
            </label>
          );
        })}
      </div>
      <p className="hint">
        {shown.find((size) => size.width === width && size.height === height)?.label}, {width} × {height}
      </p>
    </fieldset>
  );
}

/** React's types know no custom properties. */
function shapeOf({ width, height }: SizePreset): CSSProperties {
  return { aspectRatio: `${width} / ${height}`, '--ratio': width / height } as CSSProperties;
}

interface SizeProps {
  readonly sizes: readonly SizePreset[];
  readonly width: number;
  readonly height: number;
  readonly onChange: (width: number, height: number) => void;
}
