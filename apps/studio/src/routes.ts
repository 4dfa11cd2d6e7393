import { useSyncExternalStore } from 'react';

/** The part of the address after `#/`, e.g. `gallery`. */
export function useRoute(): string {
  return useSyncExternalStore(subscribe, readRoute);
}

/** Goes to a page. */
export function goTo(route: string): void {
  location.hash = `#/${route}`;
}

function readRoute(): string {
  return location.hash.replace(/^#\/?/, '');
}

function subscribe(tell: () => void): () => void {
  addEventListener('hashchange', tell);
  return () => removeEventListener('hashchange', tell);
}
