import { existsSync, readdirSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { modelFiles } from './files.js';

it('has an address for every file of the model, and each is there', () => {
  const folder = fileURLToPath(new URL('../model/', import.meta.url));
  const there = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name !== 'README.md')
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join('/'));
  expect(Object.keys(modelFiles).sort()).toEqual(there.sort());
  for (const url of Object.values(modelFiles)) expect(existsSync(url), url.href).toBe(true);
});
