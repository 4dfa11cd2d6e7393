import { lazy, type ComponentType } from 'react';
import { MakePage } from './make/make-page.js';
import type { IconName } from './ui/icon.js';

/** A page of the navigation. */
export interface StudioPage {
  /** After `#/` in the address. */
  readonly route: string;
  readonly title: string;
  /** Where there is little room. @defaultValue its title */
  readonly short?: string;
  readonly icon: IconName;
  readonly Page: ComponentType;
}

/** In the order of the navigation; the first is the one that opens. */
export const pages: readonly [StudioPage, ...StudioPage[]] = [
  { route: 'make', title: 'Make', icon: 'brush', Page: MakePage },
  {
    route: 'models',
    title: 'Models',
    icon: 'models',
    Page: lazy(async () => ({ default: (await import('./models/ui/models-page.js')).ModelsPage })),
  },
  {
    route: 'gallery',
    title: 'Gallery',
    icon: 'gallery',
    Page: lazy(async () => ({ default: (await import('./gallery/gallery-page.js')).GalleryPage })),
  },
  {
    route: 'bonnet',
    title: 'Under the bonnet',
    short: 'Bonnet',
    icon: 'bonnet',
    Page: lazy(async () => ({ default: (await import('./bonnet/bonnet-page.js')).BonnetPage })),
  },
];

/** The page of a route; the first one where there is none. */
export function pageOf(route: string): StudioPage {
  return pages.find((page) => page.route === route.split('/')[0]) ?? pages[0];
}
