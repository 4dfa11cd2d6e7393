import type { ReactElement } from 'react';
import type { Failure } from '../engine/protocol.js';
import { useStudio } from '../studio-context.js';
import { lookForAdapter } from './adapter-store.js';

/** An honest page where the engine's worker does not even start. */
export function NoEnginePage({ failure }: { readonly failure: Failure }): ReactElement {
  const { adapter, engine } = useStudio();
  return (
    <div className="page no-adapter">
      <h1>Studio’s engine does not start</h1>
      <p>
        It runs in a worker of this page, whose script could not be loaded or stopped at once. Your pictures are safe:
        the <a href="#/gallery">gallery</a> works without.
      </p>
      <ol>
        <li>Start it again. If it was the connection, that is all.</li>
        <li>Close other tabs: the browser may be short of memory.</li>
        <li>Switch off extensions that keep scripts from loading, for this page, and reload it.</li>
      </ol>
      <p>
        <button type="button" className="button-main" onClick={() => void lookForAdapter(adapter, engine)}>
          Start it again
        </button>
      </p>
      <details>
        <summary>What was said</summary>
        <p>
          <code>{failure.code}</code> {failure.message}
        </p>
        <p>{navigator.userAgent}</p>
      </details>
    </div>
  );
}
