import { WeightError } from '../errors.js';

/**
 * A model on the Hugging Face Hub, or in a cache of such, could not be had. Codes:
 *
 * | code | what is wrong |
 * |---|---|
 * | `hub/name` | not the name of a model |
 * | `hub/not-found` | no such model, or a private one that is not shown |
 * | `hub/revision` | no such branch, tag or commit |
 * | `hub/gated` | its licence has not been accepted by the account of the token, or there is no token |
 * | `hub/token` | the token is not accepted |
 * | `hub/forbidden` | access is refused for another reason, which the message tells |
 * | `hub/offline` | it is not all in the cache, and the Hub may not be, or cannot be, asked |
 * | `hub/pickle` | its weights are pickles only |
 * | `hub/single-file` | it holds checkpoints of one file; the message names them |
 * | `hub/not-a-model` | it holds no model in diffusers layout, or one of another kind |
 * | `hub/corrupt` | what came is not what the Hub says it is, more than once |
 * | `hub/no-room` | the disk, or the browser's quota, has too little room |
 * | `hub/not-cached` | asked of the cache, and not there |
 * | `hub/in-use` | another tab or process is busy with it |
 * | `hub/storage` | the browser offers no storage for files, or it failed |
 */
export class HubError extends WeightError {}

/** What a request was about, for its error. */
export interface RequestSubject {
  /** The model, `owner/name`. */
  readonly repo: string;
  readonly revision: string;
  /** The file, if it was one. */
  readonly path?: string;
  readonly endpoint: string;
  readonly hasToken: boolean;
}

/** The error that the Hub's refusal means; by its `X-Error-Code` where it sent one. */
export function refusalOf(response: Response, subject: RequestSubject): HubError {
  const { repo, revision, endpoint, hasToken } = subject;
  const { status, headers } = response;
  const code = headers.get('X-Error-Code');
  const said = headers.get('X-Error-Message');
  const what = subject.path === undefined ? repo : `${repo}: ${subject.path}`;
  const page = `${endpoint}/${repo}`;
  if (code === 'GatedRepo') {
    const cure = hasToken
      ? `Accept it at ${page} with the account the token is of (it may have to be approved first), and let the token read gated repositories.`
      : `Accept it at ${page}, then give a token of that account: HF_TOKEN, or "hf auth login".`;
    return new HubError('hub/gated', `${what}: expected its licence to be accepted, got status ${status}. ${cure}`);
  }
  if (code === 'RevisionNotFound') {
    return new HubError(
      'hub/revision',
      `${repo}: expected a branch, tag or commit, got "${revision}", which it does not have. Look at ${page}/tree/main.`,
    );
  }
  if (code === 'EntryNotFound') {
    return new HubError(
      'hub/not-found',
      `${what}: expected that file at revision ${revision}, got none. Look at ${page}/tree/${revision}.`,
    );
  }
  if (status === 401 && hasToken && code !== 'RepoNotFound') {
    return new HubError(
      'hub/token',
      `${what}: expected ${endpoint} to accept the token, got: ${said ?? `status ${status}`}. ` +
        'Make a new one in your settings there, or unset HF_TOKEN: public models need none.',
    );
  }
  // Without a token the real Hub answers 401 for what is not there too, so as not to tell what is private.
  if (status === 401 || status === 404) {
    const cure = hasToken
      ? 'Check the name; if it is private, check that the token may read it.'
      : 'Check the name; if it is private, give a token (HF_TOKEN, or "hf auth login").';
    return new HubError('hub/not-found', `${what}: expected a model of that name at ${endpoint}, got none. ${cure}`);
  }
  return new HubError(
    'hub/forbidden',
    `${what}: expected an answer from ${endpoint}, got status ${status}${said ? `: ${said}` : ''}. Look at ${page}.`,
  );
}
