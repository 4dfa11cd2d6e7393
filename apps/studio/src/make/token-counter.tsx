import type { ReactElement } from 'react';
import type { PromptTokens } from '../engine/protocol.js';

/** How full each chunk of a prompt is: `9/77`, or `77/77 + 12/77`. */
export function TokenCounter({
  id,
  tokens,
}: {
  readonly id: string;
  readonly tokens: PromptTokens | undefined;
}): ReactElement {
  if (!tokens) return <span className="tokens" id={id} />;
  const { chunks, maxLength } = tokens;
  const title =
    chunks.length > 1
      ? `${chunks.length} chunks of ${maxLength} places, each read on its own`
      : `Places taken of the ${maxLength} that the text encoder reads at once`;
  return (
    <span className="tokens" id={id} title={title}>
      {chunks.map((taken, i) => (
        // Chunks have no name but their place.
        // oxlint-disable-next-line no-array-index-key
        <span key={i} className={taken >= maxLength ? 'tokens-full' : undefined}>
          {i > 0 && ' + '}
          {taken}/{maxLength}
        </span>
      ))}
      <span className="visually-hidden"> tokens</span>
    </span>
  );
}
