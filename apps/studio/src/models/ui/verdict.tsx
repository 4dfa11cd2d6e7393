import type { ReactElement } from 'react';
import type { ModelNeeds } from 'pleinair/models';
import { bytesInWords } from '../../words/figures.js';

const words: Readonly<Record<ModelNeeds['verdict'], string>> = {
  runs: 'Runs on this GPU',
  'may-run': 'May be too large for this GPU',
  'cannot-run': 'Cannot run here',
};

/** Whether this adapter can run a model, in a few words. */
export function Verdict({ needs }: { readonly needs: ModelNeeds }): ReactElement {
  return <span className={`verdict verdict-${needs.verdict}`}>{words[needs.verdict]}</span>;
}

const modeWords = {
  low: 'parts loaded in turn',
  balanced: 'text encoders loaded in turn',
  resident: 'everything kept loaded',
} as const;

/** Why, and what it takes in each memory mode. */
export function NeedsDetails({ needs }: { readonly needs: ModelNeeds }): ReactElement {
  const { modes, mode, reason } = needs;
  if (!modes) return <p className="hint">{reason}</p>;
  return (
    <details className="needs">
      <summary>What it takes on the GPU</summary>
      <p>{reason}</p>
      <table>
        <thead>
          <tr>
            <th scope="col">Memory mode</th>
            <th scope="col">Most at once</th>
          </tr>
        </thead>
        <tbody>
          {(['low', 'balanced', 'resident'] as const).map((each) => (
            <tr key={each}>
              <th scope="row">
                {each}: {modeWords[each]}
                {each === mode && ' (taken by itself)'}
              </th>
              <td>
                {bytesInWords(modes[each].peakBytes)}
                {!modes[each].fits && ' (too much)'}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </details>
  );
}
