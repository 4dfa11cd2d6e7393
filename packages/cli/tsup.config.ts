import { packageConfig } from '../../tsup.shared.js';

export default packageConfig({ index: 'src/index.ts', bin: 'src/bin.ts' }, { platform: 'node' });
