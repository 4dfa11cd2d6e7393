import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findToken, hubCacheFolder, hubEndpointOf, isOffline } from './cache-places.js';

const at = (variables: Record<string, string>, home = '/home/me') => ({ variables, home });

describe('the cache is where Python has it', () => {
  it.each([
    [{}, '/home/me/.cache/huggingface/hub'],
    [{ XDG_CACHE_HOME: '/xdg' }, '/xdg/huggingface/hub'],
    [{ XDG_CACHE_HOME: '/xdg', HF_HOME: '~/hf' }, '/home/me/hf/hub'],
    [{ HF_HOME: '/hf', HUGGINGFACE_HUB_CACHE: '/old' }, '/old'],
    [{ HF_HOME: '/hf', HUGGINGFACE_HUB_CACHE: '/old', HF_HUB_CACHE: '$DISK/new', DISK: '/disk' }, '/disk/new'],
    [{ HF_HOME: '' }, '/home/me/.cache/huggingface/hub'],
  ])('%j', (variables, folder) => {
    expect(hubCacheFolder(at(variables))).toBe(folder);
  });
});

it('offline and endpoint follow their variables', () => {
  for (const yes of ['1', 'ON', 'yes', 'True']) expect(isOffline(at({ HF_HUB_OFFLINE: yes }))).toBe(true);
  for (const no of ['', '0', 'no', 'off']) expect(isOffline(at({ HF_HUB_OFFLINE: no }))).toBe(false);
  expect(hubEndpointOf(at({ HF_ENDPOINT: 'https://mirror' }))).toBe('https://mirror');
  expect(hubEndpointOf(at({ HF_ENDPOINT: '' }))).toBeUndefined();
});

describe('the token', () => {
  let home: string;
  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'pleinair-token-'));
    await mkdir(join(home, '.cache/huggingface'), { recursive: true });
    await writeFile(join(home, '.cache/huggingface/token'), 'hf_file\n');
    await writeFile(join(home, 'mine'), ' hf_mine ');
  });
  afterAll(() => rm(home, { recursive: true }));

  it.each([
    [{}, 'hf_file'],
    [{ HF_TOKEN: ' hf_named\n' }, 'hf_named'],
    [{ HUGGING_FACE_HUB_TOKEN: 'hf_old' }, 'hf_old'],
    [{ HF_TOKEN_PATH: '~/mine' }, 'hf_mine'],
    [{ HF_TOKEN_PATH: '~/none' }, undefined],
    [{ HF_HOME: '/nowhere' }, undefined],
    [{ HF_TOKEN: 'hf_named', HF_HUB_DISABLE_IMPLICIT_TOKEN: '1' }, undefined],
  ])('%j', async (variables, token) => {
    expect(await findToken(at(variables as Record<string, string>, home))).toBe(token);
  });
});
