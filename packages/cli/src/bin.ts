import { run } from './program.js';

process.exitCode = await run(process.argv.slice(2));
// Dawn's threads would keep the process alive; everything has been written and disposed of by now.
process.exit();
