import { bitsText, psnrText, type LayerBitsRow, type LayerBitsView } from '@pleinair/palettize/report';
import { useId, useState, type PointerEvent, type ReactElement } from 'react';

/** Bits of every layer along the network, a strip a recipe. */
export function LayerStrips({ view }: { readonly view: LayerBitsView }): ReactElement {
  const { layers, blocks, rows } = view;
  const [at, setAt] = useState(0);
  const id = useId();
  const place = Math.min(at, layers.length - 1);
  const layer = layers[place]!;
  const widths = [...new Set(rows.flatMap(({ bits }) => bits))].sort((a, b) => a - b);
  const onPointer = ({ clientX, currentTarget }: PointerEvent): void => {
    const { left, width } = currentTarget.getBoundingClientRect();
    setAt(Math.min(layers.length - 1, Math.max(0, Math.floor(((clientX - left) / width) * layers.length))));
  };
  return (
    <div className="strips lab-figure">
      <h3>Bits along the network</h3>
      <ul className="legend" aria-label="Colours">
        {widths.map((bits) => (
          <li key={bits}>
            <svg className="swatch" viewBox="0 0 14 14" aria-hidden="true">
              <rect className={`b${bits}`} width="14" height="14" />
            </svg>
            {bits === 16 ? '16: left as it is' : bits}
          </li>
        ))}
      </ul>
      <div className="strip-slider">
        <label htmlFor={id}>Layer</label>
        <input
          id={id}
          type="range"
          min={0}
          max={layers.length - 1}
          value={place}
          aria-valuetext={`${layer}: ${rows.map(({ label, bits }) => `${label}, ${bits[place]}`).join('; ')}`}
          onChange={({ target }) => setAt(target.valueAsNumber)}
        />
        <output htmlFor={id}>
          <code>{layer}</code>
        </output>
      </div>
      <div className="table-scroll table-tall" tabIndex={0} role="region" aria-label="Bits of each layer by recipe">
        <div className="strip-rows">
          {rows.map((row) => (
            <Strip key={row.label} row={row} layers={layers.length} at={place} onPointer={onPointer} />
          ))}
          <div className="strip-blocks" aria-hidden="true">
            {blocks.map(({ name, first, count }) => (
              <span key={first} style={{ flexGrow: count }}>
                {count / layers.length > 0.05 && name}
              </span>
            ))}
          </div>
        </div>
      </div>
      <BlockTable view={view} />
    </div>
  );
}

interface StripProps {
  readonly row: LayerBitsRow;
  readonly layers: number;
  readonly at: number;
  readonly onPointer: (event: PointerEvent) => void;
}

function Strip({ row: { label, psnr, bits }, layers, at, onPointer }: StripProps): ReactElement {
  return (
    <div className="strip-row">
      <p>
        {label} bits <span className="hint">{psnrText(psnr)}</span> <strong>{bits[at]}</strong>{' '}
        <span className="hint">here</span>
      </p>
      <svg viewBox={`0 0 ${layers} 1`} preserveAspectRatio="none" aria-hidden="true" onPointerMove={onPointer}>
        {[...stripPaths(bits)].map(([width, path]) => (
          <path key={width} className={`b${width}`} d={path} />
        ))}
        <path className="strip-at" d={`M${at} 0h1v1h-1z`} />
      </svg>
    </div>
  );
}

/** One path a width: runs of layers that have it. */
function stripPaths(bits: readonly number[]): ReadonlyMap<number, string> {
  const paths = new Map<number, string>();
  for (let from = 0; from < bits.length;) {
    let to = from + 1;
    while (to < bits.length && bits[to] === bits[from]) to++;
    paths.set(bits[from]!, `${paths.get(bits[from]!) ?? ''}M${from} 0h${to - from}v1h${from - to}z`);
    from = to;
  }
  return paths;
}

function BlockTable({ view: { blocks, rows } }: { readonly view: LayerBitsView }): ReactElement {
  return (
    <details>
      <summary>Average bits by block, as a table</summary>
      <div className="table-scroll" tabIndex={0} role="region" aria-label="Average bits by block">
        <table>
          <thead>
            <tr>
              <th scope="col">Recipe</th>
              {blocks.map(({ name, first }) => (
                <th key={first} scope="col">
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map(({ label, byBlock }) => (
              <tr key={label}>
                <th scope="row">{label}</th>
                {byBlock.map((bits, i) => (
                  <td key={blocks[i]!.first}>{bitsText(bits)}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}
