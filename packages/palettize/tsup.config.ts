import { packageConfig } from '../../tsup.shared.js';

// The workers are files of their own: they are started by address, beside whatever file starts them.
export default packageConfig({
  index: 'src/index.ts',
  node: 'src/node.ts',
  report: 'src/report/index.ts',
  'node-worker': 'src/node-worker.js',
  'web-worker': 'src/web-worker.js',
});
