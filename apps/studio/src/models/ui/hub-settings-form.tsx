import { useId, type ReactElement } from 'react';
import { useStore } from 'zustand/react';
import { useStudio } from '../../studio-context.js';
import { endpointTrouble } from '../hub-settings.js';

/** Endpoint and token. */
export function HubSettingsForm(): ReactElement {
  const { hub } = useStudio();
  const { endpoint, token, change } = useStore(hub);
  const id = useId();
  const trouble = endpointTrouble(endpoint);
  return (
    <details className="hub-settings">
      <summary>Which Hub, and a token</summary>
      <div className="field">
        <label htmlFor={`${id}-endpoint`}>Address of the Hub</label>
        <input
          id={`${id}-endpoint`}
          type="url"
          value={endpoint}
          placeholder="https://huggingface.co"
          autoComplete="off"
          spellCheck={false}
          aria-invalid={trouble !== undefined}
          aria-describedby={`${id}-endpoint-hint`}
          onChange={({ target }) => change({ endpoint: target.value })}
        />
        <p className="hint" id={`${id}-endpoint-hint`}>
          {trouble ?? 'A mirror, or a Hub of your own. Nothing else is ever asked.'}
        </p>
      </div>
      <div className="field">
        <label htmlFor={`${id}-token`}>Token</label>
        <input
          id={`${id}-token`}
          type="password"
          value={token}
          placeholder="hf_…"
          autoComplete="off"
          aria-describedby={`${id}-token-hint`}
          onChange={({ target }) => change({ token: target.value })}
        />
        <p className="hint" id={`${id}-token-hint`}>
          For models whose licence you accepted, and private ones. Kept in this browser only, and sent to that Hub only.
        </p>
      </div>
    </details>
  );
}
