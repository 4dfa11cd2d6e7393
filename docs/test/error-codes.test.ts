import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { codesPage, errorCodes, familyOf, hasCure } from '../scripts/error-codes.mjs';
import { root } from './samples.js';

const found = errorCodes(root);
const codes = found.map(({ code }) => code);
const text = readFileSync(join(root, 'docs', 'guide', 'troubleshooting.md'), 'utf8');

it('finds codes with their messages, wherever they are thrown', () => {
  expect(codes).toEqual(
    expect.arrayContaining(['cancelled', 'device/lost', 'weights/missing-file', 'scheduler/unknown', 'engine/died']),
  );
  const { message } = found.find(({ code }) => code === 'device/no-adapter')!;
  expect(message).toContain('requestDevice: expected a WebGPU adapter, got none (…)');
  expect(codesPage(found)).toContain('<span id="device-lost"></span>`device/lost`');
});

it('troubleshooting has a section for every family of codes (add "## FAMILY" to docs/guide/troubleshooting.md)', () => {
  const sections = new Set(Array.from(text.matchAll(/^## ([a-z]+)$/gm), ([, name]) => name));
  const families = [...new Set(codes.map(familyOf))].filter((family) => family !== 'cancelled');
  expect(families.filter((family) => !sections.has(family))).toEqual([]);
});

it('every code is explained, or says itself what to do (name it in docs/guide/troubleshooting.md)', () => {
  const silent = found.filter((one) => !hasCure(one) && !text.includes(`\`${one.code}\``));
  expect(silent.map(({ code, message }) => `${code}: ${message}`)).toEqual([]);
  const message = 'read: expected bytes, got none';
  expect(
    [message, `${message}.`, `${message}. …`].map((each) => hasCure({ code: '', message: each, file: '' })),
  ).toEqual([false, false, false]);
  expect(hasCure({ code: '', message: `${message}. Read again.`, file: '' })).toBe(true);
});

it('every code has a message', () => {
  expect(found.filter(({ message }) => message === '')).toEqual([]);
});

it('troubleshooting names no code that is not in the sources', () => {
  const named = [...text.matchAll(/`([a-z]+\/[a-z-]+)`/g)].map(([, code = '']) => code);
  const known = (code: string): boolean => codes.includes(code) || /^(latents|picture)\//.test(code);
  expect(named.filter((code) => !known(code))).toEqual([]);
});
