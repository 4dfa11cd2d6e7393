import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { aptInstall, aptUpdate } from './apt.mjs';
import { confirm, isInteractive } from './confirm.mjs';
import { osFacts } from './os-facts.mjs';
import { say, step } from './say.mjs';

/**
 * The program of an installed Chromium or Chrome.
 *
 * @param {(file: string) => boolean} [exists]
 * @returns {string | undefined}
 */
export function findChromium(exists = existsSync) {
  return places().find((file) => exists(file));
}

/**
 * Installs Debian's Chromium: the browser tests run in it, and it carries the software GPU driver SwiftShader.
 * Ubuntu's package of that name only points to a snap, which runs neither in containers nor under our tests.
 *
 * @returns {Promise<string | undefined>} Why it was not installed, in words that fit after "left out:".
 */
export async function installChromium() {
  const os = osFacts();
  if (os.platform !== 'linux' || os.id !== 'debian')
    return 'no Chromium or Chrome is installed; install one and run again';
  if (!os.root) return 'Chromium is not installed; run: sudo apt-get install chromium';
  say(
    '  To be installed with apt-get: chromium (about 90 MB to fetch), for the browser tests and the driver SwiftShader.',
  );
  if (isInteractive() && !(await confirm('  Install it now?'))) return 'Chromium is not installed, and was not wanted';
  return step('Installing chromium', async () => {
    await aptUpdate();
    const { ok, output } = await aptInstall(['chromium']);
    return ok ? undefined : `apt-get could not install chromium: ${output.trimEnd().split('\n').at(-1)}`;
  });
}

function places() {
  if (process.platform === 'darwin') {
    return ['Google Chrome', 'Chromium', 'Google Chrome Canary']
      .map((name) => `Applications/${name}.app/Contents/MacOS/${name}`)
      .flatMap((path) => [`/${path}`, join(homedir(), path)]);
  }
  if (process.platform === 'win32') {
    const { ProgramFiles, LOCALAPPDATA } = process.env;
    return [ProgramFiles, process.env['ProgramFiles(x86)'], LOCALAPPDATA]
      .filter((folder) => folder !== undefined)
      .map((folder) => join(folder, 'Google', 'Chrome', 'Application', 'chrome.exe'));
  }
  return ['/usr/bin/chromium', '/usr/bin/google-chrome', '/usr/bin/google-chrome-stable', '/opt/google/chrome/chrome'];
}
