import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { packageFolders } from '../../scripts/setup/build.mjs';
import { runCommand, runNpm } from '../../scripts/setup/run-command.mjs';
import { root } from '../../scripts/setup/workspace.mjs';

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly dependencies?: Readonly<Record<string, string>>;
}

/** How {@link StrangerProject.nodeWith} runs Node. */
interface NodeMeans {
  readonly variables?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
}

/**
 * A project outside of the repository, with packages installed from the files that would be published, as somebody has it
 * who knows nothing of this repository.
 */
export class StrangerProject {
  private constructor(readonly folder: string) {}

  /**
   * @param names - What the project depends on; what these need of the repository's other packages is packed as well.
   * @throws With npm's words, where packing or installing fails.
   */
  static async create(names: readonly string[]): Promise<StrangerProject> {
    const folder = mkdtempSync(join(tmpdir(), 'pleinair-stranger-'));
    const project = new StrangerProject(folder);
    try {
      await project.install(names);
      return project;
    } catch (error) {
      project.remove();
      throw error;
    }
  }

  /** Writes a file of the project. */
  write(path: string, text: string): void {
    const file = join(this.folder, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }

  /**
   * Makes a bundler of the repository the project's own: it runs there as if it had been installed there, and need not be
   * fetched again.
   */
  borrow(name: string): void {
    symlinkSync(join(root, 'node_modules', name), join(this.folder, 'node_modules', name), 'junction');
  }

  /**
   * Runs Node in the project.
   *
   * @returns What it wrote to stdout.
   * @throws With all it wrote, where it fails.
   */
  node(...args: readonly string[]): Promise<string> {
    return this.nodeWith({}, ...args);
  }

  /** As {@link node}, with variables of the environment besides, or more time than a picture of the demo model takes. */
  async nodeWith({ variables, timeoutMs = 240_000 }: NodeMeans, ...args: readonly string[]): Promise<string> {
    // What vitest sets for its workers is none of a stranger's.
    const { NODE_OPTIONS: _, VITEST: __, NODE_ENV: ___, ...own } = process.env;
    const env = { ...own, ...variables };
    const { code, stdout, output } = await runCommand(process.execPath, args, { cwd: this.folder, env, timeoutMs });
    if (code !== 0) throw new Error(`node ${args.join(' ')} gave exit code ${code}:\n${output}`);
    return stdout;
  }

  /** Deletes the project. */
  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  private async install(names: readonly string[]): Promise<void> {
    const published = new Map(
      packageFolders(root).map((path) => {
        const manifest = JSON.parse(readFileSync(join(path, 'package.json'), 'utf8')) as Manifest;
        return [manifest.name, manifest] as const;
      }),
    );
    const needed = closure(names, published);
    const packing = await runNpm(
      [
        'pack',
        '--json',
        '--loglevel=error',
        `--pack-destination=${this.folder}`,
        ...needed.map((name) => `-w=${name}`),
      ],
      { cwd: root },
    );
    if (packing.code !== 0) throw new Error(`npm pack failed:\n${packing.output}`);
    const overrides = Object.fromEntries(
      needed.map((name) => {
        const file = `${name.replace(/^@/, '').replaceAll('/', '-')}-${published.get(name)!.version}.tgz`;
        return [name, `file:${join(this.folder, file)}`];
      }),
    );
    const dependencies = Object.fromEntries(names.map((name) => [name, overrides[name]]));
    // Packages name each other by version; the registry's are not meant here.
    this.write(
      'package.json',
      JSON.stringify({ name: 'stranger', private: true, type: 'module', dependencies, overrides }),
    );
    const installing = await runNpm(
      ['install', '--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error'],
      { cwd: this.folder },
    );
    if (installing.code !== 0) throw new Error(`npm install failed:\n${installing.output}`);
  }
}

/** The packages and all of the repository's that they need. */
function closure(names: readonly string[], published: ReadonlyMap<string, Manifest>): string[] {
  const found = new Set<string>();
  const add = (name: string): void => {
    const manifest = published.get(name);
    if (!manifest || found.has(name)) return;
    found.add(name);
    for (const dependency of Object.keys(manifest.dependencies ?? {})) add(dependency);
  };
  for (const name of names) add(name);
  return [...found];
}
