import { describe, expect, it } from 'vitest';
import { explainNpmFailure, whyStale } from './install.mjs';

const lock = {
  packages: {
    '': {},
    'node_modules/a': { version: '1.0.0', integrity: 'sha512-a' },
    'node_modules/@x/win32': { version: '2.0.0', optional: true },
    'node_modules/@pleinair/tensor': { resolved: 'packages/tensor', link: true },
  },
};
const installed = {
  packages: {
    'node_modules/a': { version: '1.0.0', integrity: 'sha512-a' },
    'node_modules/@pleinair/tensor': { resolved: 'packages/tensor', link: true },
  },
};

describe('whyStale', () => {
  it('finds nothing where all but optional packages are there', () => {
    expect(whyStale(lock, installed)).toBeUndefined();
  });
  it('tells a missing installation, as an interrupted one leaves it', () => {
    expect(whyStale(lock, undefined)).toBe('nothing is installed yet');
  });
  it('tells a package that the lock file gained', () => {
    const gained = { packages: { ...lock.packages, 'node_modules/b': { version: '1.0.0' } } };
    expect(whyStale(gained, installed)).toBe('node_modules/b is missing');
  });
  it('tells another version, also of an optional package', () => {
    const moved = { packages: { ...lock.packages, 'node_modules/a': { version: '1.0.1' } } };
    expect(whyStale(moved, installed)).toBe('node_modules/a is 1.0.0, wanted 1.0.1');
    const optional = { packages: { ...installed.packages, 'node_modules/@x/win32': { version: '1.9.0' } } };
    expect(whyStale(lock, optional)).toBe('node_modules/@x/win32 is 1.9.0, wanted 2.0.0');
  });
  it('tells the same version with other contents', () => {
    const other = { packages: { ...lock.packages, 'node_modules/a': { version: '1.0.0', integrity: 'sha512-b' } } };
    expect(whyStale(other, installed)).toBe('node_modules/a differs');
  });
});

describe('explainNpmFailure', () => {
  it.each([
    ['npm error code ENOTFOUND', /Connect to the network/],
    ['npm error code EAI_AGAIN', /Connect to the network/],
    ['npm error code SELF_SIGNED_CERT_IN_CHAIN', /NODE_EXTRA_CA_CERTS/],
    ['npm error ENOSPC: no space left on device', /disk is full/],
    ['npm error code EACCES', /may not write/],
    [
      'npm error `npm ci` can only install packages when your package.json and package-lock.json or npm-shrinkwrap.json are in sync.',
      /npm install/,
    ],
  ])('knows the cure for "%s"', (output, cure) => {
    const lines = explainNpmFailure(output);
    expect(lines.join('\n')).toContain(output);
    expect(lines.slice(2).join('\n')).toMatch(cure);
  });
  it("leaves out npm's page on its own usage", () => {
    const output =
      'npm error code EUSAGE\nnpm error\nnpm error Clean install a project\nnpm error Usage:\nnpm error npm ci';
    expect(explainNpmFailure(output)[1]).toBe('npm error code EUSAGE\nnpm error');
  });
  it('repeats what it does not know, without a guess', () => {
    expect(explainNpmFailure('npm error strange')).toHaveLength(2);
  });
});
