// A process that converts a checkpoint and may be killed meanwhile: `node this FILE CONFIG OUT`. Tells bytes as they are read.
import { basename, dirname } from 'node:path';
import { openModel, writeModel } from '../src/index.js';
import { folderSink, folderSource } from '../src/node.js';

const [file = '', config = '', out = ''] = process.argv.slice(2);
const source = await openModel(folderSource(dirname(file)), { file: basename(file), config: folderSource(config) });
await writeModel({
  source,
  sink: await folderSink(out, { replace: true }),
  dtype: 'F16',
  onProgress: ({ doneBytes, totalBytes }) => process.stdout.write(`${doneBytes / totalBytes}\n`),
});
process.stdout.write('done\n');
