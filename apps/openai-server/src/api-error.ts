import { isPleinairError } from 'pleinair';

/** The body of every failure, in the API's shape. */
export interface ErrorBody {
  readonly error: {
    readonly message: string;
    /** What kind: `invalid_request_error`, `requests`, `server_error`. */
    readonly type: string;
    /** The field that is wrong, where it is one. */
    readonly param: string | null;
    readonly code: string | null;
  };
}

/** A failure that the client is told about, with the status that makes clients act right: retry, or not. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly details: { readonly type?: string; readonly param?: string; readonly code?: string } = {},
    /** Seconds after which another try is worth while, for 429 and 503. */
    readonly retryAfter?: number,
  ) {
    super(message);
  }

  /** As JSON. */
  body(): ErrorBody {
    const { type = this.status < 500 ? 'invalid_request_error' : 'server_error', param, code } = this.details;
    return { error: { message: this.message, type, param: param ?? null, code: code ?? null } };
  }
}

/** A field of the request that cannot be. */
export function invalid(param: string, message: string, code = 'invalid_value'): ApiError {
  return new ApiError(400, message, { param, code });
}

/** Codes that the request is to blame for, by their beginning. */
const askedWrong = ['shape/', 'scheduler/', 'random/', 'tokenizer/invalid-prompt', 'prompt/'];

/** Codes of a model that cannot be opened, by their beginning. Their messages name places of this machine. */
const modelWrong = ['weights/', 'config/', 'tokenizer/', 'hub/'];

/** Any failure as one that can be answered. What was not foreseen keeps its details in the log. */
export function toApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  if (isPleinairError(error)) {
    const { code, message } = error;
    if (code === 'device/limit' || askedWrong.some((start) => code.startsWith(start))) {
      return new ApiError(400, message, { code });
    }
    if (modelWrong.some((start) => code.startsWith(start))) {
      return new ApiError(500, `The model cannot be opened (${code}); the server's log says more.`, { code });
    }
    // The next request asks for a new device and loads again.
    if (code === 'device/lost') return new ApiError(503, message, { code }, 1);
    return new ApiError(500, message, { code });
  }
  return new ApiError(500, 'The server failed in a way that was not foreseen; its log says more.', {
    code: 'internal_error',
  });
}
