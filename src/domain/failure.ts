// An expected error: a code from a closed union plus the facts its sentence needs.
// The sentences themselves stand in views/words, one per language. Anything thrown that is
// not a Failure is a bug. Thrown anywhere; caught by HTTP's onError, a socket's message and a Run's end.

/**
 * Every way in which something can fail without anyone having written a bug, with its HTTP status. The
 * clients of OpenAI and Anthropic ask again by themselves at 408, 409, 429 and from 500 on: these are for
 * what may go better then.
 */
const statuses = {
  // the llama-server behind us
  upstream_absent: 503, // nobody answers at its address
  upstream_loading: 503, // it answers 503: the model is still being read
  upstream_unauthorized: 502, // it wants an API key, or another one
  upstream_refused: 400, // another 4xx
  upstream_error: 502, // 5xx, or an error event in mid-stream
  upstream_cut: 502, // the stream ended before its end was announced
  upstream_stalled: 504, // nothing came for longer than the limit
  upstream_garbled: 502, // what came is not the protocol
  upstream_line_too_long: 502, // a line that exceeds the buffer
  answer_too_long: 502, // the whole of it exceeds the bound
  model_missing: 404, // no llama-server has the one that was asked for
  model_failed: 422, // it could not be loaded
  context_overflow: 400, // even the last question alone is longer than the slot's context
  context_full: 400, // the conversation no longer fits, and its persona does not drop the oldest
  // how a conversation is answered
  persona_missing: 404, // its file is not there any more
  persona_broken: 503, // its file is there, and has a fault
  persona_enforced: 403, // it would be answered past the persona that holds for everybody
  bad_setting: 422, // a number outside of its bounds
  // where we keep things
  store_unwritable: 503, // the disk is full, or the file can't be written
  store_damaged: 503, // the file is damaged
  // what people ask for
  message_empty: 400,
  message_too_long: 413,
  conversation_busy: 409, // one Run at a time in a conversation
  queue_full: 429,
  too_many_waiting: 429, // of one person
  runs_limit: 429, // per minute, of one person
  tokens_limit: 429, // per day, of one person
  not_found: 404,
  conversation_removed: 404, // deleted, in a way that can be undone
  bad_frame: 400, // a frame that is no Command
  bad_request: 400,
  import_busy: 409, // somebody's files are being read already, or enough of others'
  import_slow: 422, // a file took longer than the limit
  too_large: 413,
  unsupported_encoding: 415, // a body that is compressed in a way we do not know
  bodies_full: 503, // all bodies that are in memory together
  body_slow: 408, // it was announced and does not come
  no_such_address: 404, // of programs
  wrong_method: 405,
  too_many_sockets: 429,
  foreign_origin: 403, // another site's page
  unknown_host: 421, // called by a name that is not ours (DNS rebinding)
  shutting_down: 503,
  stopped: 403, // by the operator
  // who people are
  not_signed_in: 401,
  bad_key: 401, // of a program
  key_scope: 403, // it does not open this
  not_admin: 403,
  wrong_password: 401, // or no such name: which of them is not said
  too_many_attempts: 429,
  proxy_untrusted: 403, // a name in a header from an address that is not listed
  person_removed: 403,
  name_taken: 409,
  bad_name: 400,
  bad_password: 422,
  bad_limit: 422,
  bad_address: 422, // of a llama-server
  last_admin: 409,
  provider_failed: 502, // what the OpenID provider says can't be used, or not be believed
  provider_down: 502, // it does not answer
  provider_denied: 403, // it did not let them in, or they went back
  provider_lost: 400, // the way back began in another browser, or too long ago
  read_only: 403, // whoever follows a link can't write
  internal: 500,
} as const;

export type FailureCode = keyof typeof statuses;

export const isFailureCode = (code: unknown): code is FailureCode =>
  typeof code === "string" && Object.hasOwn(statuses, code);

/** The HTTP status of a Failure. */
export const statusOf = ({ code }: Pick<FailureReport, "code">): (typeof statuses)[FailureCode] =>
  statuses[code];

/** The facts a Failure's sentence is made of: numbers keep their unit in the key (`limitBytes`). */
type FailureFacts = Readonly<Record<string, string | number>>;

/** What is stored and sent about a Failure: everything but the stack. */
export interface FailureReport {
  readonly code: FailureCode;
  readonly facts: FailureFacts;
}

/** An expected error. `message` is for logs only; people read `views/words`. */
export class Failure extends Error {
  readonly code: FailureCode;
  readonly facts: FailureFacts;

  constructor(code: FailureCode, facts: FailureFacts = {}) {
    super(`${code} ${JSON.stringify(facts)}`);
    this.name = "Failure";
    this.code = code;
    this.facts = facts;
  }

  /** What remains of it after the stack is dropped. */
  get report(): FailureReport {
    return { code: this.code, facts: this.facts };
  }
}

/** The Failure in `error`, or `internal` for anything that is a bug. */
export function asFailure(error: unknown): Failure {
  return error instanceof Failure ? error : new Failure("internal");
}

/**
 * Turns anything thrown into the Failure to answer with. Counts it; logs it when it is a bug (`internal`).
 */
export type Refuse = (error: unknown, facts?: Readonly<Record<string, string>>) => Failure;
