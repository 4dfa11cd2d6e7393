import { packageConfig } from '../../tsup.shared.js';

export default packageConfig({ main: 'src/main.ts' }, { platform: 'node', dts: false });
