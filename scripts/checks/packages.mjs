import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import ts from 'typescript';
import { packageFolders } from '../setup/build.mjs';
import { binFile, runCommand, runNpm } from '../setup/run-command.mjs';
import { root } from '../setup/workspace.mjs';
import { readmeExample, readmeInstalls } from './readme-example.mjs';

/**
 * @typedef {import('./tally.mjs').CheckResult} CheckResult
 * @typedef {object} Packed
 * @property {string} name
 * @property {string} folder
 * @property {Record<string, any>} manifest
 * @property {string} tarball
 */

/**
 * Packs every package that is published and looks at what users would get: the manifest (publint), the types (attw),
 * and whether the packed package, alone but for what its README says to install, runs that README's example in an empty
 * project.
 *
 * @param {(result: CheckResult) => void} report - Called with each result as it is known.
 * @param {readonly string[]} [only] - Names of the packages to look at; all of them when absent or empty.
 */
export async function checkPackages(report, only = []) {
  const work = mkdtempSync(join(tmpdir(), 'pleinair-packages-'));
  try {
    const packed = await pack(work, report);
    for (const one of packed) {
      if (only.length > 0 && !only.includes(one.name)) continue;
      report(await lintManifest(one));
      report(await checkTypes(one));
      report(await checkExample(one, packed, join(work, 'project')));
    }
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/**
 * @param {string} work
 * @param {(result: CheckResult) => void} report
 * @returns {Promise<Packed[]>}
 */
async function pack(work, report) {
  const published = packageFolders(root)
    .map((folder) => ({ folder, manifest: JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) }))
    .filter(({ manifest }) => !manifest.private);
  const packed = [];
  for (const { folder, manifest } of published) {
    const { code, stdout, output } = await runNpm(
      ['pack', '--json', '--loglevel=error', `--pack-destination=${work}`],
      {
        cwd: folder,
      },
    );
    const name = manifest.name;
    if (code !== 0) {
      report({ name: `${name}: npm pack`, state: 'failed', reason: output });
      continue;
    }
    const [{ filename }] = JSON.parse(stdout);
    // npm 10 wrote scoped names with a slash here while the file's name has a dash.
    packed.push({ name, folder, manifest, tarball: join(work, filename.replace(/^@/, '').replaceAll('/', '-')) });
  }
  return packed;
}

/**
 * @param {Packed} packed
 * @returns {Promise<CheckResult>}
 */
async function lintManifest({ name, tarball }) {
  const title = `${name}: manifest (publint)`;
  const { messages, pkg } = await publint({
    pack: { tarball: new Uint8Array(readFileSync(tarball)).buffer },
    strict: true,
  });
  const faults = messages.filter(({ type }) => type !== 'suggestion');
  if (faults.length === 0) return { name: title, state: 'passed' };
  const reason = faults.map((message) => formatMessage(message, pkg) ?? message.code).join('\n');
  return { name: title, state: 'failed', reason };
}

/**
 * @param {Packed} packed
 * @returns {Promise<CheckResult>}
 */
async function checkTypes({ name, manifest, tarball }) {
  const title = `${name}: types (attw)`;
  if (!manifest.exports || !JSON.stringify(manifest.exports).includes('.d.ts')) {
    return { name: title, state: 'skipped', reason: 'the package exports no types (data or a command)' };
  }
  const args = [
    '--profile',
    'esm-only',
    '--format',
    'ascii',
    '--no-color',
    '--no-emoji',
    '--no-definitely-typed',
    tarball,
  ];
  const { code, output } = await runCommand(process.execPath, [binFile('@arethetypeswrong/cli', 'attw'), ...args]);
  return code === 0 ? { name: title, state: 'passed' } : { name: title, state: 'failed', reason: output };
}

/**
 * Installs one package into a project of its own and runs its example there: what it needs beyond its dependencies must
 * be what its README says to install.
 *
 * @param {Packed} one
 * @param {readonly Packed[]} packed - All that are published: dependencies among them are these files.
 * @param {string} project - A folder that is not there, nor afterwards.
 * @returns {Promise<CheckResult>}
 */
async function checkExample(one, packed, project) {
  const file = join(one.folder, 'README.md');
  const readme = existsSync(file) ? readFileSync(file, 'utf8') : '';
  const names = [...new Set([one.name, ...readmeInstalls(readme)])];
  const others = names.slice(1).map((name) => ` and ${name}`);
  const title = `${one.name}${others.join('')} alone in an empty project: README's example`;
  try {
    const failed = (await install(names, packed, project)) ?? (await runExample(one, readme, project));
    return failed === undefined ? { name: title, state: 'passed' } : { name: title, state: 'failed', reason: failed };
  } finally {
    rmSync(project, { recursive: true, force: true });
  }
}

/**
 * @param {readonly string[]} names
 * @param {readonly Packed[]} packed
 * @param {string} project
 * @returns {Promise<string | undefined>} What went wrong.
 */
async function install(names, packed, project) {
  mkdirSync(project);
  // Packages name each other by version; the registry's are not meant here.
  const overrides = Object.fromEntries(packed.map(({ name, tarball }) => [name, `file:${tarball}`]));
  const dependencies = Object.fromEntries(names.map((name) => [name, overrides[name] ?? '*']));
  const manifest = { name: 'example', private: true, type: 'module', dependencies, overrides };
  writeFileSync(join(project, 'package.json'), JSON.stringify(manifest, null, 2));
  const { code, output } = await runNpm(
    ['install', '--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error'],
    { cwd: project },
  );
  return code === 0 ? undefined : output;
}

/**
 * @param {Packed} packed
 * @param {string} readme
 * @param {string} project
 * @returns {Promise<string | undefined>} What went wrong.
 */
async function runExample({ name, manifest }, readme, project) {
  const commands = typeof manifest.bin === 'object' ? Object.keys(manifest.bin) : [];
  const example = readmeExample(readme, commands);
  if (!example) return 'README.md has no example to run (a js, ts or sh block)';
  const env = { ...process.env, PATH: `${join(project, 'node_modules', '.bin')}${delimiter}${process.env.PATH}` };
  const options = { cwd: project, env, timeoutMs: 300_000 };
  if (example.kind === 'commands') {
    for (const line of example.lines) {
      const { code, output } = await runCommand(line, [], { ...options, shell: true });
      if (code !== 0) return `\`${line}\` gave exit code ${code}:\n${output}`;
    }
    return undefined;
  }
  const base = name.replace('@', '').replaceAll('/', '-');
  const file = `${base}.${example.language === 'ts' ? 'ts' : 'mjs'}`;
  writeFileSync(join(project, file), example.code);
  if (example.language === 'ts') {
    const complaints = typeErrors(join(project, file));
    if (complaints) return complaints;
    const target = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 };
    writeFileSync(
      join(project, `${base}.mjs`),
      ts.transpileModule(example.code, { compilerOptions: target }).outputText,
    );
  }
  // Through a shell, which knows the quotes that README's readers type.
  const { code, signal, output } = await runCommand(`node ${base}.mjs ${example.args}`, [], {
    ...options,
    shell: true,
  });
  return code === 0 ? undefined : `${signal ?? `exit code ${code}`}:\n${output}`;
}

/**
 * Checks an example against the packed packages' own declarations, as a user's compiler would.
 *
 * @param {string} file
 * @returns {string} Empty when all is well.
 */
function typeErrors(file) {
  const program = ts.createProgram([file], {
    strict: true,
    noEmit: true,
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    target: ts.ScriptTarget.ES2022,
    lib: ['lib.es2023.d.ts', 'lib.dom.d.ts', 'lib.esnext.disposable.d.ts'],
    skipLibCheck: true,
    typeRoots: [join(root, 'node_modules', '@types'), join(root, 'node_modules', '@webgpu')],
    types: ['node', 'types'],
  });
  return ts
    .getPreEmitDiagnostics(program)
    .map((diagnostic) => ts.flattenDiagnosticMessageText(diagnostic.messageText, '\n'))
    .join('\n');
}
