// A page that downloads a model: `?endpoint=…&folder=…&model=…`. It tells whoever listens how far it is.
import { openModelStore } from '../src/opfs/model-store.js';

const asked = new URLSearchParams(location.search);
const channel = new BroadcastChannel(asked.get('folder')!);
const store = await openModelStore({ endpoint: asked.get('endpoint')!, folder: asked.get('folder')! });
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- to a channel, not to a window
await store.download(asked.get('model')!, { onProgress: (progress) => channel.postMessage(progress) });
