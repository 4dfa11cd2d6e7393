import { readFileSync } from 'node:fs';

/**
 * @typedef {object} OsFacts
 * @property {NodeJS.Platform} platform
 * @property {string} id - os-release's ID, e.g. "debian"; empty off Linux.
 * @property {readonly string[]} like - ID_LIKE, nearest first.
 * @property {string} codename - VERSION_CODENAME, e.g. "bookworm".
 * @property {string} name - What to call the system to a person.
 * @property {boolean} root - Whether we may install system packages.
 */

/** @type {Readonly<Record<string, string>>} */
const NAMES = Object.freeze({ darwin: 'macOS', win32: 'Windows' });

/**
 * @param {string} text - Contents of /etc/os-release (freedesktop.org's os-release(5)).
 * @returns {Record<string, string>}
 */
export function parseOsRelease(text) {
  /** @type {Record<string, string>} */
  const fields = {};
  for (const line of text.split('\n')) {
    const [, key, value] = /^([A-Z0-9_]+)=(.*)$/.exec(line.trim()) ?? [];
    if (key && value !== undefined) fields[key] = value.replace(/^(["'])(.*)\1$/, '$2');
  }
  return fields;
}

/**
 * @param {{ platform: NodeJS.Platform, osRelease: string, uid: number | undefined }} raw
 * @returns {OsFacts}
 */
export function osFacts(raw = readRaw()) {
  const fields = parseOsRelease(raw.osRelease);
  return {
    platform: raw.platform,
    id: fields.ID ?? '',
    like: (fields.ID_LIKE ?? '').split(' ').filter(Boolean),
    codename: fields.VERSION_CODENAME ?? '',
    name: fields.PRETTY_NAME ?? NAMES[raw.platform] ?? raw.platform,
    root: raw.uid === 0,
  };
}

/**
 * @param {OsFacts} facts
 * @returns {boolean} Whether packages come by apt: Debian, Ubuntu and what descends from them.
 */
export function usesApt(facts) {
  return facts.platform === 'linux' && [facts.id, ...facts.like].some((id) => id === 'debian' || id === 'ubuntu');
}

function readRaw() {
  let osRelease = '';
  try {
    osRelease = readFileSync('/etc/os-release', 'utf8');
  } catch {
    // Not Linux, or a very bare one.
  }
  return { platform: process.platform, osRelease, uid: process.getuid?.() };
}
