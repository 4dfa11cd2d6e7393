import { createContext, useContext } from 'react';
import type { Studio } from './studio.js';

const StudioContext = createContext<Studio | undefined>(undefined);

/** Gives all below it the studio. */
export const StudioProvider = StudioContext.Provider;

/** The studio of this page. */
export function useStudio(): Studio {
  const studio = useContext(StudioContext);
  if (!studio) throw new Error('useStudio: expected a StudioProvider above, got none. Render below <StudioProvider>.');
  return studio;
}
