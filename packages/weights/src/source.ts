import { CancelledError, isPleinairError, throwIfCancelled } from '@pleinair/tensor';
import { MissingPartError, reasonOf, WeightError } from './errors.js';

/** Options of a read. */
export interface ReadOptions {
  /** Stops the read with a `CancelledError`. */
  readonly signal?: AbortSignal;
}

/** Options of {@link ModelSource.readRange}. */
export interface ReadRangeOptions extends ReadOptions {
  /** Where the bytes go, at least as long as the range: no memory is allocated then. */
  readonly into?: Uint8Array<ArrayBuffer>;
}

/** Options of {@link ModelSource.list}. */
export interface ListOptions extends ReadOptions {
  /** How many folders deep to look; 0 for the files at the top. By default all. */
  readonly depth?: number;
}

/** A file of a source. */
export interface SourceFile {
  /** Relative to the source, with `/` between names. */
  readonly path: string;
  readonly bytes: number;
}

/**
 * Where the files of a model come from. Paths are relative to the model, with `/` between names, e.g.
 * `unet/config.json`. Made by `folderSource`, `httpSource`, `blobSource`, or by {@link createSource} from one's own.
 */
export interface ModelSource {
  /** The place in words, for messages, e.g. `folder /models/sdxl`. */
  describe(): string;
  /** True when the file is there. Throws when that cannot be told, e.g. as the server is down. */
  exists(path: string, options?: ReadOptions): Promise<boolean>;
  /** Size in bytes. Throws `MissingPartError` where there is no such file. */
  size(path: string, options?: ReadOptions): Promise<number>;
  /** The whole file as UTF-8 text. Throws `MissingPartError` where there is no such file. */
  readText(path: string, options?: ReadOptions): Promise<string>;
  /** The whole file as JSON. Throws `weights/not-json` where it is not. */
  readJson(path: string, options?: ReadOptions): Promise<unknown>;
  /**
   * Bytes `start` to `end` (end not included). Throws `weights/truncated` where the file is shorter.
   *
   * @returns `into`'s first bytes where it was given, else new memory.
   */
  readRange(path: string, start: number, end: number, options?: ReadRangeOptions): Promise<Uint8Array<ArrayBuffer>>;
  /**
   * All files, by path, those left out of which a name begins with a dot. Absent where a source cannot tell, such as a
   * plain HTTP server.
   */
  list?(options?: ListOptions): Promise<readonly SourceFile[]>;
}

/** What {@link createSource} needs to know to make a source. Paths given to it are checked already. */
export interface SourceBackend {
  /** See {@link ModelSource.describe}. */
  describe(): string;
  /** Size in bytes, or undefined where there is no such file. */
  size(path: string, options: ReadOptions): Promise<number | undefined>;
  /**
   * Fills `target` with the file's bytes from `start` on and returns how many it got; fewer than `target.length` only
   * where the file ends, 0 where there is none.
   */
  readInto(path: string, start: number, target: Uint8Array<ArrayBuffer>, options: ReadOptions): Promise<number>;
  /** Reads a small file in one go, or undefined where there is none. By default `size` and `readInto`. */
  readAll?(path: string, options: ReadOptions): Promise<Uint8Array | undefined>;
  /** See {@link ModelSource.list}; in any order. */
  list?(options: ListOptions): Promise<readonly SourceFile[]>;
}

/** Texts longer than this are not configurations but mistakes. */
const maxTextBytes = 128 * 1024 * 1024;

/** Makes a {@link ModelSource} from the few operations of a backend: paths checked, failures typed, texts decoded. */
export function createSource(backend: SourceBackend): ModelSource {
  const missing = (path: string) =>
    new MissingPartError(path, backend.describe(), [path], 'Check the path, or download the model again.');

  async function guarded<T>(path: string, options: ReadOptions, read: () => Promise<T>): Promise<T> {
    checkPath(path);
    throwIfCancelled(options.signal, path);
    try {
      return await read();
    } catch (error) {
      if (options.signal?.aborted) throw new CancelledError(path);
      if (isPleinairError(error)) throw error;
      throw new WeightError(
        'weights/read',
        `${path}: expected to read it from ${backend.describe()}, got: ${reasonOf(error)}. Check that it is readable.`,
        { cause: error },
      );
    }
  }

  async function knownSize(path: string, options: ReadOptions): Promise<number> {
    const size = await backend.size(path, options);
    if (size === undefined) throw missing(path);
    return size;
  }

  async function wholeFile(path: string, options: ReadOptions): Promise<Uint8Array> {
    if (backend.readAll) {
      const bytes = await backend.readAll(path, options);
      if (!bytes) throw missing(path);
      return bytes;
    }
    const size = await knownSize(path, options);
    if (size > maxTextBytes) {
      throw new WeightError(
        'weights/not-json',
        `${path}: expected a text file, got ${size} bytes in ${backend.describe()}. Check that it is the right file.`,
      );
    }
    const target = new Uint8Array(size);
    return target.subarray(0, await backend.readInto(path, 0, target, options));
  }

  const source: ModelSource = {
    describe: () => backend.describe(),
    exists: (path, options = {}) =>
      guarded(path, options, async () => (await backend.size(path, options)) !== undefined),
    size: (path, options = {}) => guarded(path, options, () => knownSize(path, options)),
    readText: (path, options = {}) =>
      guarded(path, options, async () => new TextDecoder().decode(await wholeFile(path, options))),
    async readJson(path, options) {
      const text = await source.readText(path, options);
      try {
        return JSON.parse(text) as unknown;
      } catch (error) {
        throw new WeightError(
          'weights/not-json',
          `${path}: expected JSON in ${backend.describe()}, got: ${reasonOf(error)}. Download the file again.`,
          { cause: error },
        );
      }
    },
    readRange: (path, start, end, options = {}) =>
      guarded(path, options, async () => {
        const target = options.into ? options.into.subarray(0, end - start) : new Uint8Array(end - start);
        if (target.length !== end - start || start < 0) {
          throw new RangeError(`bytes ${start} to ${end} into a buffer of ${target.length}`);
        }
        const got = target.length === 0 ? 0 : await backend.readInto(path, start, target, options);
        if (got < target.length) {
          if (got === 0) await knownSize(path, options); // tells a file that is gone from one that is short
          throw new WeightError(
            'weights/truncated',
            `${path}: expected bytes ${start} to ${end}, got an end of file at ${start + got} in ${backend.describe()}. ` +
              'Download the file again.',
          );
        }
        return target;
      }),
  };
  if (!backend.list) return source;
  return {
    ...source,
    list: (options = {}) =>
      guarded('the list of files', options, async () =>
        [...((await backend.list?.(options)) ?? [])]
          .filter(({ path }) => !/(^|\/)\./.test(path))
          .sort((a, b) => (a.path < b.path ? -1 : 1)),
      ),
  };
}

/** Refuses paths that lead out of the model: indices of sharded checkpoints name files, and they come from anywhere. */
function checkPath(path: string): void {
  const unsafe =
    path === '' ||
    path.includes('\\') ||
    path.includes('\0') ||
    /^[a-z]+:/i.test(path) ||
    path.split('/').some((segment) => segment === '' || segment === '.' || segment === '..');
  if (!unsafe) return;
  throw new WeightError(
    'weights/unsafe-path',
    `${JSON.stringify(path)}: expected a path relative to the model such as unet/config.json, got one that leads elsewhere. ` +
      'Name files without "..", "\\" or a leading "/".',
  );
}
