import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { aptSources, readPolicy } from './apt.mjs';
import { findChromium } from './chromium.mjs';
import { requireNode } from './node-version.mjs';
import { osFacts, parseOsRelease, usesApt } from './os-facts.mjs';
import { seconds } from './say.mjs';
import { shaderCacheVariables } from './shader-cache.mjs';
import { findLavapipe, findSwiftshader } from './vulkan-drivers.mjs';

const facts = (osRelease: string, platform: NodeJS.Platform = 'linux') => osFacts({ platform, osRelease, uid: 0 });

let folder: string;
const write = (path: string, text = '') => {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), text);
};
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pleinair-system-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('os-release', () => {
  it('reads quoted, single-quoted and bare values, and skips the rest', () => {
    expect(parseOsRelease('ID=debian\n# c\n\nPRETTY_NAME="A B"\nNAME=\'C\'\nBROKEN')).toEqual({
      ID: 'debian',
      PRETTY_NAME: 'A B',
      NAME: 'C',
    });
  });
  it('knows descendants of Debian and Ubuntu, on Linux only', () => {
    expect(usesApt(facts('ID=pop\nID_LIKE="ubuntu debian"'))).toBe(true);
    expect(usesApt(facts('ID=fedora'))).toBe(false);
    expect(usesApt(facts('ID=debian', 'win32'))).toBe(false);
  });
});

describe('apt', () => {
  it('reads what apt-cache policy says', () => {
    expect(readPolicy('mesa:\n  Installed: (none)\n  Candidate: 25.0.7-2~bpo12+1\n')).toEqual({
      installed: undefined,
      candidate: '25.0.7-2~bpo12+1',
    });
    expect(readPolicy('')).toEqual({ installed: undefined, candidate: undefined });
  });
  it('reads sources in both forms, without what is commented out', () => {
    write('sources.list', '# deb http://d bullseye-backports main\ndeb http://d bookworm main\n');
    write('sources.list.d/a.sources', 'Suites: bookworm-backports\n');
    write('sources.list.d/b.list.save', 'deb http://d sid main\n');
    const text = aptSources(folder);
    expect(text).toContain('bookworm-backports');
    expect(text).toContain('bookworm main');
    expect(text).not.toMatch(/bullseye|sid/);
  });
  it('gives nothing where there is no apt', () => {
    expect(aptSources(join(folder, 'none'))).toBe('');
  });
});

describe('Vulkan drivers', () => {
  beforeEach((context) => {
    if (process.platform !== 'linux') context.skip('Vulkan drivers are looked for on Linux only');
  });
  it('finds none on a bare machine', () => {
    expect(findLavapipe(folder)).toBeUndefined();
    expect(findSwiftshader(folder, folder)).toBeUndefined();
  });
  it('finds lavapipe of this architecture only', () => {
    write('/usr/share/vulkan/icd.d/lvp_icd.i686.json');
    expect(findLavapipe(folder)).toBeUndefined();
    const arch = process.arch === 'arm64' ? 'aarch64' : 'x86_64';
    write(`/usr/share/vulkan/icd.d/lvp_icd.${arch}.json`);
    expect(findLavapipe(folder)).toBe(join(folder, `/usr/share/vulkan/icd.d/lvp_icd.${arch}.json`));
  });
  it('finds SwiftShader with an installed browser, else with a downloaded one, newest first', () => {
    write('home/.cache/ms-playwright/chromium-1100/chrome-linux/vk_swiftshader_icd.json');
    write('home/.cache/ms-playwright/chromium-1200/chrome-linux/vk_swiftshader_icd.json');
    const home = join(folder, 'home');
    expect(findSwiftshader(folder, home)).toContain('chromium-1200');
    write('usr/lib/chromium/vk_swiftshader_icd.json');
    expect(findSwiftshader(folder, home)).toBe(join(folder, 'usr/lib/chromium/vk_swiftshader_icd.json'));
  });
});

it('finds a browser among the places of this system', () => {
  expect(findChromium(() => false)).toBeUndefined();
  expect(findChromium(() => true)).toMatch(/chrom/i);
});

describe('shader cache', () => {
  it("leaves Mesa's own place alone where it can be written", () => {
    expect(shaderCacheVariables({}, folder)).toEqual({});
    expect(shaderCacheVariables({ MESA_SHADER_CACHE_DIR: '/x' }, join(folder, 'none'))).toEqual({});
  });
  it('gives another place where the home folder is no folder', () => {
    write('file');
    expect(shaderCacheVariables({}, join(folder, 'file'))).toHaveProperty('MESA_SHADER_CACHE_DIR');
  });
});

it('asks for Node 20', () => {
  expect(() => requireNode('18.20.4')).toThrow(/expected Node 20 or newer, got 18.20.4/);
  expect(() => requireNode('20.0.0')).not.toThrow();
  expect(() => requireNode('100.0.0')).not.toThrow();
});

it.each([
  [3449, '3.4 s'],
  [59_949, '59.9 s'],
  [119_700, '2 min 0 s'],
  [125_000, '2 min 5 s'],
])('writes %d ms as %s', (milliseconds, text) => {
  expect(seconds(milliseconds)).toBe(text);
});
