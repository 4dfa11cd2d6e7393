import { takeOver } from './messages.js';

/**
 * Registers the service worker of a built Studio.
 *
 * @param onUpdate - A new version waits; calling `update` reloads the page into it.
 */
export async function registerServiceWorker(onUpdate: (update: () => void) => void): Promise<void> {
  if (!import.meta.env.PROD || !('serviceWorker' in navigator)) return;
  const { serviceWorker } = navigator;
  let reloading = false;
  const offer = (waiting: ServiceWorker): void =>
    onUpdate(() => {
      serviceWorker.addEventListener('controllerchange', () => {
        if (!reloading) location.reload();
        reloading = true;
      });
      waiting.postMessage(takeOver);
    });
  try {
    const registration = await serviceWorker.register('./service-worker.js');
    if (registration.waiting && serviceWorker.controller) offer(registration.waiting);
    registration.addEventListener('updatefound', () => {
      const { installing } = registration;
      installing?.addEventListener('statechange', () => {
        if (installing.state === 'installed' && serviceWorker.controller) offer(installing);
      });
    });
  } catch {
    // Studio works without: a browser set to keep nothing refuses, and there is then no offline.
  }
}
