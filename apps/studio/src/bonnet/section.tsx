import type { ReactElement, ReactNode } from 'react';

/** A section of the page, which the row of names at its head leads to. */
export function Section({ id, title, about, children }: SectionProps): ReactElement {
  return (
    <section className="bonnet-section" id={`bonnet-${id}`} aria-labelledby={`bonnet-${id}-title`} tabIndex={-1}>
      <h2 id={`bonnet-${id}-title`}>{title}</h2>
      {about && <p className="hint">{about}</p>}
      {children}
    </section>
  );
}

interface SectionProps {
  readonly id: string;
  readonly title: string;
  readonly about?: ReactNode;
  readonly children: ReactNode;
}
