import { packageConfig } from '../../tsup.shared.js';

// The worker is a file of its own: it is started by address, beside whatever file starts it.
export default packageConfig({
  index: 'src/index.ts',
  node: 'src/node.ts',
  browser: 'src/browser.ts',
  'download-worker': 'src/opfs/download-worker.ts',
});
