import { bitsText, psnrText, shareText, sizeText, type RecipeGroup } from '@pleinair/palettize/report';
import type { ReactElement } from 'react';

/** The figure's recipes, and what they are measured against, in figures. */
export function RecipesTable({ groups }: { readonly groups: readonly RecipeGroup[] }): ReactElement {
  return (
    <details>
      <summary>All recipes as a table</summary>
      <div className="table-scroll table-tall" tabIndex={0} role="region" aria-label="Recipes">
        <table>
          <thead>
            <tr>
              <th scope="col">Weights</th>
              <th scope="col">Average bits</th>
              <th scope="col">PSNR</th>
              <th scope="col">Over linear 8-bit</th>
              <th scope="col">Size</th>
              <th scope="col">Of fp16</th>
            </tr>
          </thead>
          {groups.map(({ title, note, rows }) => (
            <tbody key={title}>
              <tr className="table-group">
                <th scope="rowgroup" colSpan={6}>
                  {title} <span className="hint">{note}</span>
                </th>
              </tr>
              {rows.map(({ name, bits, psnr, gain, bytes, share }) => (
                <tr key={name}>
                  <th scope="row">{name}</th>
                  <td>{bitsText(bits)}</td>
                  <td>{psnrText(psnr)}</td>
                  <td>{gain === undefined ? '–' : `${gain < 0 ? '−' : '+'}${Math.abs(gain).toFixed(1)} dB`}</td>
                  <td>{bytes === undefined ? '–' : sizeText(bytes)}</td>
                  <td>{shareText(16 * share)}</td>
                </tr>
              ))}
            </tbody>
          ))}
        </table>
      </div>
    </details>
  );
}
