import { packageConfig } from '../../tsup.shared.js';

export default packageConfig({ index: 'src/index.ts', checker: 'src/checker.ts', files: 'src/files.ts' });
