/// <reference lib="webworker" />
// Keeps Studio and the demo model, so that both are there without a net, and gives workers their security policy.
import { addPlugins, cleanupOutdatedCaches, precacheAndRoute } from 'workbox-precaching';
import { readHubEndpoint } from './hub-endpoint.js';
import { takeOver } from './messages.js';
import { sourcesOf, workerPolicy } from './security-policy.js';

declare const self: ServiceWorkerGlobalScope;
/** Filled in by the build: every file of it, with what tells its versions apart. */
declare const __PRECACHE__: { readonly url: string; readonly revision: string | null }[];

addPlugins([
  {
    async handlerWillRespond({ request, response }) {
      if (request.destination !== 'worker') return response;
      const headers = new Headers(response.headers);
      headers.set('content-security-policy', workerPolicy(sourcesOf(await readHubEndpoint())));
      return new Response(response.body, { status: response.status, headers });
    },
  },
]);
cleanupOutdatedCaches();
precacheAndRoute(__PRECACHE__);

// The first version serves the page that brought it; later ones wait until they are asked.
self.addEventListener('activate', (event) => event.waitUntil(self.clients.claim()));
self.addEventListener('message', (event) => {
  if (event.data === takeOver) void self.skipWaiting();
});
