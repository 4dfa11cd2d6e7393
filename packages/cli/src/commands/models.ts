import { Option, type Command } from 'commander';
import {
  downloadModel,
  listCachedModels,
  removeCachedModel,
  verifyCachedModel,
  type CachedRepo,
} from '@pleinair/weights/node';
import { HubError } from 'pleinair';
import { interruptible } from '../interrupt.js';
import { Progress } from '../progress.js';
import { formatBytes, type Terminal } from '../terminal.js';

interface DownloadFlags {
  readonly variant: 'fp16' | 'full';
  readonly json?: boolean;
}

const named = 'owner/name or owner/name@revision, or one checkpoint of it: owner/name/file.safetensors';

/** Adds `pleinair download` and `pleinair models` with its sub-commands. */
export function addModels(program: Command, terminal: Terminal): void {
  addDownload(program, terminal);
  const models = program
    .command('models')
    .description('Models of the Hugging Face Hub that are kept on this machine, in the cache shared with Python.');
  addDownload(models, terminal);
  models
    .command('list', { isDefault: true })
    .description('What is kept, and how large it is.')
    .option('--json', 'one JSON object')
    .action((flags: { json?: boolean }) => list(flags, terminal));
  models
    .command('path')
    .description('Prints the folder of a model that is kept, for other programs; nothing is downloaded.')
    .argument('<model>', named)
    .action(async (model: string) => {
      const { folder } = await downloadModel(model, { offline: true });
      terminal.out.write(`${folder}\n`);
    });
  models
    .command('verify')
    .description('Reads a model that is kept and checks it against its checksums. What is wrong is removed.')
    .argument('<model>', 'owner/name')
    .option('--json', 'one JSON object')
    .action((model: string, flags: { json?: boolean }) => verify(model, flags, terminal));
  models
    .command('remove')
    .description('Removes a model, or with @revision one revision of it, from the cache.')
    .argument('<models...>', 'owner/name or owner/name@revision')
    .option('--json', 'one JSON object')
    .action((names: string[], flags: { json?: boolean }) => remove(names, flags, terminal));
}

function addDownload(parent: Command, terminal: Terminal): void {
  parent
    .command('download')
    .description(
      'Downloads a model of the Hugging Face Hub: the files it needs, each checked. Goes on where it was broken off.',
    )
    .argument('<model>', named)
    .addOption(
      new Option('--variant <which>', 'weights to take where there are both: half precision, or full')
        .choices(['fp16', 'full'])
        .default('fp16'),
    )
    .option('--json', 'one JSON object')
    .addHelpText(
      'after',
      '\nVariables, as in Python: HF_HOME or HF_HUB_CACHE (where models are kept), HF_TOKEN, HF_ENDPOINT (a mirror), HF_HUB_OFFLINE.' +
        '\nCtrl-C pauses it; the same command goes on from there. Example:' +
        '\n  pleinair download stabilityai/stable-diffusion-xl-base-1.0',
    )
    .action((model: string, flags: DownloadFlags) => download(model, flags, terminal));
}

async function download(model: string, flags: DownloadFlags, terminal: Terminal): Promise<void> {
  const progress = new Progress(terminal);
  const result = await interruptible(terminal.err, (signal) =>
    downloadModel(model, { prefer: flags.variant, signal, onProgress: (report) => progress.download(report) }),
  ).finally(() => progress.stop());
  for (const note of result.notes) progress.note(note);
  const { name, commit, folder, bytes, downloadedBytes } = result;
  if (flags.json) {
    terminal.out.write(`${JSON.stringify(result)}\n`);
    return;
  }
  const came = downloadedBytes === 0 ? 'it was there' : `${formatBytes(downloadedBytes)} came`;
  terminal.out.write(`${folder}\n${name} at ${commit.slice(0, 12)}: ${formatBytes(bytes)}, ${came}\n`);
}

async function list(flags: { json?: boolean }, terminal: Terminal): Promise<void> {
  const repos = await listCachedModels();
  if (flags.json) {
    terminal.out.write(`${JSON.stringify({ models: repos })}\n`);
    return;
  }
  const total = repos.reduce((sum, { bytes }) => sum + bytes, 0);
  const lines = repos.flatMap(linesOf);
  const closing =
    repos.length === 0 ? 'none yet; pleinair download owner/name gets one' : `${formatBytes(total)} in all`;
  terminal.out.write([...lines, closing, ''].join('\n'));
}

function linesOf({ repo, revisions, bytes, partialBytes, changedAt }: CachedRepo): string[] {
  const left = partialBytes > 0 ? `, ${formatBytes(partialBytes)} of that from downloads broken off` : '';
  const states = {
    complete: 'whole',
    incomplete: 'not whole: download it again to go on',
    unknown: 'put there by other software',
  };
  return [
    `${repo}  ${formatBytes(bytes)}${left}  ${changedAt.toISOString().slice(0, 10)}`,
    ...revisions.map((revision) => {
      const refs = revision.refs.length > 0 ? ` (${revision.refs.join(', ')})` : '';
      return `  ${revision.commit.slice(0, 12)}${refs}: ${revision.files} files, ${formatBytes(revision.bytes)}, ${states[revision.state]}`;
    }),
  ];
}

async function verify(model: string, flags: { json?: boolean }, terminal: Terminal): Promise<void> {
  const progress = new Progress(terminal);
  const result = await interruptible(terminal.err, (signal) =>
    verifyCachedModel(model, { signal, onProgress: (read, total) => progress.bytes('checking', read, total) }),
  ).finally(() => progress.stop());
  const { name, files, bytes, corrupt } = result;
  if (flags.json) terminal.out.write(`${JSON.stringify(result)}\n`);
  if (corrupt.length > 0) {
    throw new HubError(
      'hub/corrupt',
      `${name}: expected files to be what their checksums say, got ${corrupt.join(', ')} otherwise. ` +
        `They were removed: pleinair download ${name} gets them again.`,
    );
  }
  if (!flags.json) terminal.out.write(`${name}: ${files} files, ${formatBytes(bytes)}, all as they should be\n`);
}

async function remove(names: readonly string[], flags: { json?: boolean }, terminal: Terminal): Promise<void> {
  for (const model of names) {
    const { name, freedBytes } = await removeCachedModel(model);
    terminal.out.write(
      flags.json ? `${JSON.stringify({ name, freedBytes })}\n` : `${name} removed, ${formatBytes(freedBytes)} freed\n`,
    );
  }
}
