import { mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { OutputError } from './output-file.js';

/** Where a report goes: a file that later reports replace. */
export class ReportFile {
  private constructor(readonly path: string) {}

  /**
   * Makes sure, before any work is done, that the file can be written; makes its folder where there is none.
   *
   * @throws {@link OutputError} When it cannot.
   */
  static async open(path: string): Promise<ReportFile> {
    const file = new ReportFile(resolve(path));
    if ((await stat(file.path).catch(() => undefined))?.isDirectory()) {
      throw unwritable(path, 'a folder');
    }
    try {
      await mkdir(dirname(file.path), { recursive: true });
      // Asking for permission is no proof: read-only disks grant it to root.
      await (await open(file.temporary, 'w')).close();
      await rm(file.temporary);
    } catch (cause) {
      throw unwritable(path, codeOf(cause), cause);
    }
    return file;
  }

  /**
   * Replaces the file by this report, whole or not at all.
   *
   * @throws {@link OutputError} When the disk is full or the place went away.
   */
  async write(report: object): Promise<void> {
    try {
      const handle = await open(this.temporary, 'w');
      try {
        await handle.writeFile(`${JSON.stringify(report, undefined, 2)}\n`);
      } finally {
        await handle.close();
      }
      await rename(this.temporary, this.path);
    } catch (cause) {
      await rm(this.temporary, { force: true }).catch(() => undefined);
      throw unwritable(this.path, codeOf(cause), cause);
    }
  }

  private get temporary(): string {
    return join(dirname(this.path), `.${basename(this.path)}-${process.pid}.part`);
  }
}

function unwritable(path: string, got: string, cause?: unknown): OutputError {
  return new OutputError(
    'output/unwritable',
    `--json: expected a file that can be written, got ${got} at ${path}. Name another place.`,
    { cause },
  );
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? String(error);
}
