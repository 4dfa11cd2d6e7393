/** Tells a service worker that waits to take the place of the one before it. */
export const takeOver = 'take-over';
