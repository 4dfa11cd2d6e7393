import type { ReactElement } from 'react';
import type { Failure } from '../../engine/protocol.js';

/** What went wrong with a model, in plain words, and what was said. */
export function FailureLine({ failure }: { readonly failure: Failure }): ReactElement {
  const { title, why } = inWords(failure);
  return (
    <div className="failure model-failure" role="alert">
      <p>
        <strong>{title}</strong> {why}
      </p>
      <details>
        <summary>What was said</summary>
        <p>
          <code>{failure.code}</code> {failure.message}
        </p>
      </details>
    </div>
  );
}

function inWords({ code, message }: Failure): { readonly title: string; readonly why: string } {
  switch (code) {
    case 'hub/no-room':
    case 'storage/quota':
      return {
        title: 'The browser has no room for it.',
        why: 'What came is kept. Delete a model below or pictures in the gallery, or free room on the disk; then go on.',
      };
    case 'weights/network':
      return { title: 'The connection failed.', why: 'What came is kept: go on when it is back.' };
    case 'hub/gated':
      return {
        title: 'Its licence has to be accepted first.',
        why: 'Accept it on the model’s page, then give a token of that account in the settings below.',
      };
    case 'hub/token':
      return { title: 'The token is not accepted.', why: 'Make a new one, or leave it out: public models need none.' };
    case 'hub/not-found':
      return { title: 'There is no such model.', why: 'Check the name. Private ones need a token.' };
    case 'hub/in-use':
      return { title: 'It is being downloaded.', why: 'Perhaps in another tab. Pause it there first.' };
    case 'engine/died':
      return { title: 'The worker for models stopped.', why: 'Perhaps memory ran out. Nothing that came is lost.' };
    default:
      return { title: 'That did not work.', why: message };
  }
}
