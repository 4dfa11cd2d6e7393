import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';

/** What {@link cacheFolder} goes by. */
export interface CachePlaces {
  readonly platform: NodeJS.Platform;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly home: string;
}

/**
 * The folder for what Pleinair can make again: `pleinair` in `LOCALAPPDATA` on Windows and in `~/Library/Caches` on macOS,
 * elsewhere, or where it is set, in `XDG_CACHE_HOME`, else in `~/.cache`. Relative paths in variables are not followed, as
 * the XDG specification has it.
 */
export function cacheFolder(
  { platform, environment, home }: CachePlaces = {
    platform: process.platform,
    environment: process.env,
    home: homedir(),
  },
): string {
  const named = (variable: string): string | undefined => {
    const value = environment[variable];
    return value && isAbsolute(value) ? value : undefined;
  };
  const usual =
    platform === 'win32'
      ? (named('LOCALAPPDATA') ?? join(home, 'AppData', 'Local'))
      : platform === 'darwin'
        ? join(home, 'Library', 'Caches')
        : join(home, '.cache');
  return join(named('XDG_CACHE_HOME') ?? usual, 'pleinair');
}
