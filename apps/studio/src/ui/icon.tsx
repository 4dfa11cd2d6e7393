import type { ReactElement } from 'react';

/** Strokes on a grid of 24. */
const paths = {
  brush: 'M14.5 4.5 19.5 9.5 11 18l-5 1 1-5zM12.5 6.5l5 5',
  gallery: 'M4 5h16v14H4zM4 16l5-5 4 4 3-3 4 4M15.5 9h.01',
  models: 'M12 3 20 7.5v9L12 21l-8-4.5v-9zM4 7.5l8 4.5 8-4.5M12 12v9',
  bonnet: 'M4 18a8 8 0 1 1 16 0M12 18l4-6M4 18h16',
  sun: 'M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM12 3v1.5M12 19.5V21M3 12h1.5M19.5 12H21M5.6 5.6l1.1 1.1M17.3 17.3l1.1 1.1M18.4 5.6l-1.1 1.1M6.7 17.3l-1.1 1.1',
  moon: 'M20 14.5A8 8 0 0 1 9.5 4 8 8 0 1 0 20 14.5z',
  system: 'M12 4a8 8 0 1 0 0 16zM12 4a8 8 0 0 1 0 16',
  close: 'M6 6l12 12M18 6 6 18',
  dice: 'M5 5h14v14H5zM9 9h.01M15 9h.01M12 12h.01M9 15h.01M15 15h.01',
  lock: 'M6 11h12v9H6zM8.5 11V8a3.5 3.5 0 0 1 7 0v3',
  download: 'M12 4v11M7.5 10.5 12 15l4.5-4.5M5 20h14',
  copy: 'M9 9h10v11H9zM15 9V5H5v11h4',
  share: 'M12 15V4M8 8l4-4 4 4M6 12v8h12v-8',
  trash: 'M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13M10 11v5M14 11v5',
  reuse: 'M4 12a8 8 0 0 1 14-5.3L20 9M20 4v5h-5M20 12a8 8 0 0 1-14 5.3L4 15M4 20v-5h5',
  image: 'M4 5h16v14H4zM4 16l5-5 4 4 3-3 4 4',
  compare: 'M12 3v18M4 6h5v12H4M20 6h-5v12h5',
  eraser: 'M8 19 3.5 14.5 13 5l6 6-8 8zM8.5 9.5l6 6M8 19h12',
  check: 'M5 12.5 10 17.5 19.5 7',
  plus: 'M12 5v14M5 12h14',
  settings: 'M5 7h8M17 7h2M5 17h2M11 17h8M15 5v4M9 15v4',
} as const;

/** An icon's name. */
export type IconName = keyof typeof paths;

/** A decoration: whatever it stands beside says the same in words. */
export function Icon({ name }: { readonly name: IconName }): ReactElement {
  return (
    <svg className="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={paths[name]} />
    </svg>
  );
}
