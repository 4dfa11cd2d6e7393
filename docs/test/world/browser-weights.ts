// `@pleinair/weights/browser` as samples in a page get it.
import { openModelStore as openStore } from '@pleinair/weights/browser';
import { sampleHub } from './browser-world.js';

export * from '@pleinair/weights/browser';

/** `openModelStore` for the test's Hub, in a folder of the test's. */
export const openModelStore: typeof openStore = (options) => openStore({ ...sampleHub(), ...options });
