import { readdirSync, readFileSync, writeFileSync } from 'node:fs';

/** What processes of a browser of one kind held of the host's memory, in bytes; they hold shared memory each. */
export interface KindMemory {
  /** Now, all of the kind together. */
  readonly now: number;
  /** The most since {@link ProcessMemory.reset}, of each by itself and then together. */
  readonly peak: number;
}

/**
 * Memory of a browser's processes, as Linux counts it, by their kind: `browser`, `gpu-process`, `renderer`, `utility`.
 *
 * @param program - A word of the command line that all of them, and none but them, bear, such as the profile's folder.
 */
export class ProcessMemory {
  private readonly root: number;

  constructor(program: string) {
    const root = processes().find(({ words }) => !kindOf(words) && words.some((word) => word.includes(program)));
    if (!root) throw new Error(`no process was started with ${program}`);
    this.root = root.id;
  }

  /** Forgets the peaks so far. */
  reset(): void {
    for (const { id } of this.members()) {
      try {
        writeFileSync(`/proc/${id}/clear_refs`, '5');
      } catch {
        // It ended meanwhile.
      }
    }
  }

  read(): Readonly<Record<string, KindMemory>> {
    const sums: Record<string, { now: number; peak: number }> = {};
    for (const { id, words } of this.members()) {
      const sum = (sums[kindOf(words) ?? 'browser'] ??= { now: 0, peak: 0 });
      const status = textOf(`/proc/${id}/status`);
      sum.now += kilobytes(status, 'VmRSS');
      sum.peak += kilobytes(status, 'VmHWM');
    }
    return sums;
  }

  /** The first process and all that descend from it. */
  private members(): Process[] {
    const all = processes();
    const found = new Set([this.root]);
    for (let before = 0; before < found.size;) {
      before = found.size;
      for (const { id, parent } of all) if (found.has(parent)) found.add(id);
    }
    return all.filter(({ id }) => found.has(id));
  }
}

interface Process {
  readonly id: number;
  readonly parent: number;
  readonly words: readonly string[];
}

function processes(): Process[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      const status = textOf(`/proc/${name}/status`);
      const words = textOf(`/proc/${name}/cmdline`).split(/[\0\s]+/);
      const parent = Number(/^PPid:\s+(\d+)/m.exec(status)?.[1] ?? 0);
      return status === '' ? [] : [{ id: Number(name), parent, words }];
    });
}

function kindOf(words: readonly string[]): string | undefined {
  return words.find((word) => word.startsWith('--type='))?.slice('--type='.length);
}

function kilobytes(status: string, field: string): number {
  return 1024 * Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0);
}

/** Empty where the process has ended. */
function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
