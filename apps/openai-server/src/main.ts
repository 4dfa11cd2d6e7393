import { modelPath } from '@pleinair/demo-model';
import { load } from 'pleinair';
import { readOptions, usage, UsageError } from './options.js';
import { ModelShelf } from './model-shelf.js';
import { createServer } from './server.js';

/** How long a picture may take to finish after the server was asked to stop. */
const patienceMs = 60_000;

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2), process.env, modelPath);
  if (options === 'help') {
    console.log(usage);
    return;
  }
  const { models, aliases, host, port, ...rest } = options;
  const shelf = new ModelShelf(
    [...models.keys()],
    (name, signal) => load(models.get(name)!, { memory: options.memory, signal }),
    aliases,
  );
  const app = createServer({ shelf, ...rest, log: true });
  let stopping = false;
  const stop = (signal: NodeJS.Signals): void => {
    if (stopping) process.exit(130); // asked twice
    stopping = true;
    app.log.info(`${signal}: finishing the picture, then closing; again to end at once`);
    setTimeout(() => process.exit(1), patienceMs).unref();
    // Dawn keeps the process alive while its objects are reachable.
    void app.close().then(() => process.exit(0));
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  await app.listen({ host, port });
}

try {
  await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
