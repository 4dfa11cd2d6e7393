import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

/** What the cache's place and the access to the Hub go by. */
export interface HubEnvironment {
  readonly variables: Readonly<Record<string, string | undefined>>;
  readonly home: string;
}

/** The process's own. */
export function processEnvironment(): HubEnvironment {
  return { variables: process.env, home: homedir() };
}

/**
 * The folder of cached models, the same as Python's `huggingface_hub`: `HF_HUB_CACHE` (or, older, `HUGGINGFACE_HUB_CACHE`), else
 * `hub` in `HF_HOME`, else `huggingface/hub` in `XDG_CACHE_HOME` or `~/.cache`.
 */
export function hubCacheFolder(environment: HubEnvironment = processEnvironment()): string {
  const { HF_HUB_CACHE, HUGGINGFACE_HUB_CACHE } = environment.variables;
  const named = HF_HUB_CACHE || HUGGINGFACE_HUB_CACHE;
  return named ? expand(named, environment) : join(hubHome(environment), 'hub');
}

/** The Hub's address: `HF_ENDPOINT`, if it is set. */
export function hubEndpointOf({ variables }: HubEnvironment = processEnvironment()): string | undefined {
  return variables['HF_ENDPOINT'] || undefined;
}

/** Whether the Hub may not be asked: `HF_HUB_OFFLINE`. */
export function isOffline({ variables }: HubEnvironment = processEnvironment()): boolean {
  return isTrue(variables['HF_HUB_OFFLINE'] || variables['TRANSFORMERS_OFFLINE']);
}

/**
 * The user's token, from where Python's `huggingface_hub` has it: `HF_TOKEN` (or, older, `HUGGING_FACE_HUB_TOKEN`), else the file
 * that `hf auth login` writes (`HF_TOKEN_PATH`, else `token` in `HF_HOME`). None under `HF_HUB_DISABLE_IMPLICIT_TOKEN`.
 */
export async function findToken(environment: HubEnvironment = processEnvironment()): Promise<string | undefined> {
  const { HF_TOKEN, HUGGING_FACE_HUB_TOKEN, HF_TOKEN_PATH, HF_HUB_DISABLE_IMPLICIT_TOKEN } = environment.variables;
  if (isTrue(HF_HUB_DISABLE_IMPLICIT_TOKEN)) return undefined;
  const named = (HF_TOKEN || HUGGING_FACE_HUB_TOKEN)?.trim();
  if (named) return named;
  const file = HF_TOKEN_PATH ? expand(HF_TOKEN_PATH, environment) : join(hubHome(environment), 'token');
  // A file that is not there, or not to be read, is no token: public models need none.
  return (await readFile(file, 'utf8').catch(() => '')).trim() || undefined;
}

function hubHome(environment: HubEnvironment): string {
  const { HF_HOME, XDG_CACHE_HOME } = environment.variables;
  if (HF_HOME) return expand(HF_HOME, environment);
  return join(XDG_CACHE_HOME ? expand(XDG_CACHE_HOME, environment) : join(environment.home, '.cache'), 'huggingface');
}

/** `~` and `$NAME`, which Python expands in these too. */
function expand(path: string, { variables, home }: HubEnvironment): string {
  const named = path.replace(/\$(?:\{(\w+)\}|(\w+))/g, (whole: string, braced?: string, bare?: string) => {
    return variables[braced ?? bare ?? ''] ?? whole;
  });
  return resolve(named.replace(/^~(?=$|[/\\])/, () => home));
}

function isTrue(value: string | undefined): boolean {
  return ['1', 'ON', 'YES', 'TRUE'].includes((value ?? '').toUpperCase());
}
