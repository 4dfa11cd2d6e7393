import type { ReactElement } from 'react';
import type { Failure } from '../engine/protocol.js';
import { useStudio } from '../studio-context.js';
import { lookForAdapter } from './adapter-store.js';
import { browserAdvice } from './browser-advice.js';

/** An honest page where nothing can be painted: why, and what to do. */
export function NoAdapterPage({ failure }: { readonly failure: Failure }): ReactElement {
  const { adapter, engine } = useStudio();
  const [own, ...others] = browserAdvice(navigator.userAgent);
  const insecure = !isSecureContext;
  return (
    <div className="page no-adapter">
      <h1>This browser gives Studio no GPU</h1>
      <p>
        Studio paints on this machine’s own graphics card, through WebGPU. {insecure ? insecureWords : missingWords}{' '}
        Your pictures are safe: the <a href="#/gallery">gallery</a> works without.
      </p>
      <section>
        <h2>What to do in {own!.browser}</h2>
        <ol>
          {own!.steps.map((step) => (
            <li key={step}>{step}</li>
          ))}
        </ol>
      </section>
      <p>
        <button type="button" className="button-main" onClick={() => void lookForAdapter(adapter, engine)}>
          Look again
        </button>
      </p>
      {others.map(({ browser, steps }) => (
        <details key={browser}>
          <summary>In {browser}</summary>
          <ol>
            {steps.map((step) => (
              <li key={step}>{step}</li>
            ))}
          </ol>
        </details>
      ))}
      <details>
        <summary>What the browser said</summary>
        <p>
          <code>{failure.code}</code> {failure.message}
        </p>
        <p>{navigator.userAgent}</p>
      </details>
    </div>
  );
}

const missingWords = 'This browser has it switched off, or found no driver it trusts.';
const insecureWords =
  'Browsers offer it to pages that came over HTTPS or from this machine only, and this one did not: open it by its https address.';
