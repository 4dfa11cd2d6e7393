// A process that downloads a model and may be killed meanwhile: `node this ENDPOINT CACHE NAME`.
import { downloadModel } from '../src/hub/cache/download-model.js';

const [endpoint, cacheFolder, name = ''] = process.argv.slice(2);
const model = await downloadModel(name, { endpoint, cacheFolder, token: '', offline: false });
console.log(JSON.stringify(model));
