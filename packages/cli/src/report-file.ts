import { mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { OutputError } from './output-file.js';

/** Where a report goes: a file that later reports replace. */
export class ReportFile {
  private constructor(
    readonly path: string,
    private readonly option: string,
  ) {}

  /**
   * A file that nobody has yet: a taken name gets `-2`, `-3` and so on.
   *
   * @param wanted - Its name where that is free, ending in `.json`.
   * @throws {@link OutputError} When it cannot be written.
   */
  static async openNew(wanted: string): Promise<ReportFile> {
    const extension = extname(wanted);
    const stem = wanted.slice(0, wanted.length - extension.length);
    for (let n = 1; ; n++) {
      const path = n === 1 ? wanted : `${stem}-${n}${extension}`;
      if (await stat(path).catch(() => undefined)) continue;
      return ReportFile.open(path, 'without --json FILE or --no-file');
    }
  }

  /**
   * Makes sure, before any work is done, that the file can be written; makes its folder where there is none.
   *
   * @param option - What names the file, for messages.
   * @throws {@link OutputError} When it cannot.
   */
  static async open(path: string, option = '--json'): Promise<ReportFile> {
    const file = new ReportFile(resolve(path), option);
    if ((await stat(file.path).catch(() => undefined))?.isDirectory()) {
      throw file.unwritable('a folder');
    }
    try {
      await mkdir(dirname(file.path), { recursive: true });
      // Asking for permission is no proof: read-only disks grant it to root.
      await (await open(file.temporary, 'w')).close();
      await rm(file.temporary);
    } catch (cause) {
      throw file.unwritable(codeOf(cause), cause);
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
      throw this.unwritable(codeOf(cause), cause);
    }
  }

  private get temporary(): string {
    return join(dirname(this.path), `.${basename(this.path)}-${process.pid}.part`);
  }

  private unwritable(got: string, cause?: unknown): OutputError {
    return new OutputError(
      'output/unwritable',
      `${this.option}: expected a file that can be written, got ${got} at ${this.path}. Name another place.`,
      { cause },
    );
  }
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? String(error);
}
