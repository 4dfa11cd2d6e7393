import { HubError } from './hub-error.js';

/** A model on the Hub, or one file of it. */
export interface HubName {
  /** `owner/name`. */
  readonly repo: string;
  /** A branch, tag or commit. */
  readonly revision: string;
  /** One checkpoint file in it, where that was named: `owner/name/file.safetensors`. */
  readonly file?: string;
}

/** What the Hub allows in owners' and models' names. */
const segment = /^[A-Za-z0-9](?:[\w.-]*\w)?$/;

const usual = 'main';

/**
 * Reads `owner/name`, `owner/name@revision`, `owner/name/file.safetensors@revision`, any of these after `hf:`, or the address of
 * a model's page.
 *
 * @param endpoint - The Hub whose pages are meant. Default: huggingface.co.
 * @returns Undefined for anything else, such as a folder's path.
 */
export function parseHubName(text: string, endpoint = 'https://huggingface.co'): HubName | undefined {
  const page = pageName(text, endpoint);
  if (page) return page;
  const bare = text.replace(/^hf:(\/\/)?/, '');
  const at = bare.indexOf('@');
  const path = at < 0 ? bare : bare.slice(0, at);
  const revision = at < 0 ? usual : bare.slice(at + 1);
  return nameOf(path.split('/'), revision);
}

/**
 * The same, where nothing else can be meant.
 *
 * @throws `HubError` `hub/name`.
 */
export function readHubName(text: string, endpoint?: string): HubName {
  const name = parseHubName(text, endpoint);
  if (name) return name;
  throw new HubError(
    'hub/name',
    `${JSON.stringify(text)}: expected a model of the Hub as owner/name or owner/name@revision, got something else. ` +
      'Copy the name at the top of its page.',
  );
}

/** The name as a person writes it: without a revision where it is the usual one. */
export function formatHubName({ repo, revision, file }: HubName): string {
  return `${repo}${file === undefined ? '' : `/${file}`}${revision === usual ? '' : `@${revision}`}`;
}

function nameOf(segments: readonly string[], revision: string): HubName | undefined {
  const [owner, name, ...rest] = segments;
  if (!owner || !name || !isSegment(owner) || !isSegment(name) || !isRevision(revision)) return undefined;
  const repo = `${owner}/${name}`;
  if (rest.length === 0) return { repo, revision };
  const file = rest.join('/');
  const safe = rest.every((each) => each !== '' && each !== '.' && each !== '..' && !each.includes('\\'));
  return safe && file.endsWith('.safetensors') ? { repo, revision, file } : undefined;
}

function pageName(text: string, endpoint: string): HubName | undefined {
  if (!/^https?:/i.test(text) || !URL.canParse(text)) return undefined;
  const url = new URL(text);
  const hubs = [new URL(endpoint), new URL('https://huggingface.co'), new URL('https://hf.co')];
  if (!hubs.some(({ origin }) => origin === url.origin)) return undefined;
  const [owner = '', name = '', view, revision = usual, ...rest] = url.pathname
    .replace(/\/+$/, '')
    .split('/')
    .slice(1)
    .map(decodeURIComponent);
  if (view === undefined) return nameOf([owner, name], usual);
  return ['tree', 'blob', 'resolve'].includes(view) ? nameOf([owner, name, ...rest], revision) : undefined;
}

function isSegment(text: string): boolean {
  return segment.test(text) && text.length <= 96 && !text.includes('--') && !text.includes('..');
}

/** As git's rules for names of branches, as far as they matter in paths. */
function isRevision(text: string): boolean {
  return /^[\w][\w./+-]*$/.test(text) && !text.includes('..') && !text.includes('//') && !text.endsWith('/');
}
