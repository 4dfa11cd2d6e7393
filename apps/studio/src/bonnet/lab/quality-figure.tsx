import { figureColours, figureRules, type ReportContent } from '@pleinair/palettize/report';
import { useEffect, useMemo, type ReactElement } from 'react';

/**
 * The figure's rules below `.lab-figure`, in the page's theme. A sheet made by script, which the page's policy allows as it
 * does not allow a style element.
 */
function figureSheet(): CSSStyleSheet {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`.lab-figure { ${figureColours.light} ${figureRules} }
@media (prefers-color-scheme: dark) { :root:not([data-theme='light']) .lab-figure { ${figureColours.dark} } }
:root[data-theme='dark'] .lab-figure { ${figureColours.dark} }
.lab-figure.lab-figure { --page: var(--surface); }`);
  return sheet;
}

/** Puts the figure's rules in the document while something is there that needs them. */
export function useFigureSheet(): void {
  useEffect(() => {
    const sheet = figureSheet();
    document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
    return () => {
      document.adoptedStyleSheets = document.adoptedStyleSheets.filter((each) => each !== sheet);
    };
  }, []);
}

/** PSNR against size: drawn by the palettize package, as in its report. */
export function QualityFigure({ content }: { readonly content: ReportContent }): ReactElement {
  useFigureSheet();
  const [wide, narrow] = useMemo(
    () => [
      content.figure({ width: 1000, height: 520, text: 14 }),
      content.figure({ width: 380, height: 430, text: 12.5 }),
    ],
    [content],
  );
  return (
    <figure className="lab-figure">
      <ul className="legend">
        {content.legend.map(({ title, mark }, i) => (
          <li key={title}>
            <svg className={`a${i % 4} lab-mark`} viewBox="-7 -7 14 14" aria-hidden="true">
              <path d={mark} />
            </svg>
            {title}, mixed bits
          </li>
        ))}
      </ul>
      {/* All text in the figure is escaped by what draws it. */}
      <div className="lab-wide" dangerouslySetInnerHTML={{ __html: wide }} />
      <div className="lab-narrow" dangerouslySetInnerHTML={{ __html: narrow }} />
      <figcaption className="hint">{content.caption}</figcaption>
    </figure>
  );
}
