// A Failure is an expected error: a code from a closed union, and the facts that its sentence needs. The
// sentences are in views/words, one per language. Any other thrown error is a bug.

/**
 * All codes of expected errors, with their HTTP status. The clients of OpenAI and Anthropic retry by
 * themselves on 408, 409, 429 and from 500 on, so these statuses are for errors that a retry may solve.
 */
const statuses = {
  // llama-server
  upstream_absent: 503, // nothing answers at its address
  upstream_loading: 503, // it answers 503 while the model is loading
  upstream_unauthorized: 502, // it requires an API key, or another one
  upstream_refused: 400, // another 4xx
  upstream_error: 502, // 5xx, or an error event in mid-stream
  upstream_cut: 502, // the stream ended before its end was announced
  upstream_stalled: 504, // no data arrived within the limit
  upstream_garbled: 502, // the data does not follow the protocol
  upstream_line_too_long: 502, // a line exceeds the buffer
  answer_too_long: 502, // the whole answer exceeds the bound
  no_reranker: 501, // no llama-server has a model that ranks texts
  model_missing: 404, // no llama-server has the requested model
  model_failed: 422, // the model could not be loaded
  context_overflow: 400, // even the last question alone is longer than the slot's context
  context_full: 400, // the conversation no longer fits, and its persona does not drop the oldest
  // how a conversation is answered
  persona_missing: 404, // its file does not exist any more
  persona_broken: 503, // its file has a fault
  collection_missing: 404, // the persona answers from a collection that this person does not have
  collection_unknown: 404, // the conversation is to answer from one that is gone, or out of reach
  persona_enforced: 403, // a request would bypass the persona that is enforced for everybody
  bad_setting: 422, // a number outside of its bounds
  // the store
  store_unwritable: 503, // the disk is full, or the file can't be written
  store_damaged: 503, // the file is damaged
  // requests of people
  message_empty: 400,
  message_too_long: 413,
  conversation_busy: 409, // one Run at a time in a conversation
  queue_full: 429,
  too_many_waiting: 429, // of one person
  runs_limit: 429, // per minute, of one person
  tokens_limit: 429, // per day, of one person
  file_empty: 422,
  file_in_use: 409, // a message has it
  files_full: 413, // all files of the person together
  too_many_files: 422, // in one message
  picture_unsupported: 415, // a format that this machine does not decode
  picture_too_large: 413, // too many pixels
  no_vision: 422, // a picture for a model that sees none
  no_hearing: 422, // a recording for a model that hears none
  not_found: 404,
  conversation_removed: 404, // deleted, in a way that can be undone
  bad_frame: 400, // a frame that is no Command
  bad_request: 400,
  import_busy: 409, // the person's files, or the most files at once, are being read already
  import_slow: 422, // a file took longer than the limit
  collection_full: 413, // the folder or collection holds more files than the bound
  collection_read_only: 403, // it is read from a folder
  too_many_collections: 422, // of one person
  too_large: 413,
  unsupported_encoding: 415, // the body's compression is not supported
  bodies_full: 503, // the bound for all bodies in memory together is reached
  body_slow: 408, // the announced body does not arrive
  no_such_address: 404, // of the API
  wrong_method: 405,
  too_many_sockets: 429,
  foreign_origin: 403, // another site's page
  unknown_host: 421, // the Host is not one of ours (DNS rebinding)
  shutting_down: 503,
  no_leader: 503, // of several processes, none leads now
  stopped: 403, // by the operator
  // files and documents
  file_unsupported: 415, // neither text nor a document that parlor knows
  file_unreadable: 422, // damaged or incomplete
  file_locked: 422, // by a password
  file_too_large: 413, // its content: unpacked, its pages or its text
  file_heavy: 422, // reading it takes more memory than allowed
  file_slow: 422, // reading it took longer than the limit
  // accounts
  not_signed_in: 401,
  bad_key: 401, // of a program
  key_scope: 403, // the key has no access to this
  not_admin: 403,
  wrong_password: 401, // or an unknown name; the answer does not tell which
  too_many_attempts: 429,
  proxy_untrusted: 403, // a name in a header from an address that is not listed
  person_removed: 403,
  name_taken: 409,
  bad_name: 400,
  bad_password: 422,
  bad_limit: 422,
  bad_address: 422, // of a llama-server
  last_admin: 409,
  provider_failed: 502, // the OpenID provider's answer is invalid
  provider_down: 502, // it does not answer
  provider_denied: 403, // the provider refused, or the person cancelled
  provider_lost: 400, // the sign-in began in another browser, or too long ago
  read_only: 403, // a reader with a link can't write
  internal: 500,
} as const;

export type FailureCode = keyof typeof statuses;

export const isFailureCode = (code: unknown): code is FailureCode =>
  typeof code === "string" && Object.hasOwn(statuses, code);

/** The HTTP status of a Failure. */
export const statusOf = ({ code }: Pick<FailureReport, "code">): (typeof statuses)[FailureCode] =>
  statuses[code];

/** The facts in a Failure's sentence. Keys of numbers end with the unit (`limitBytes`). */
type FailureFacts = Readonly<Record<string, string | number>>;

/** What is stored and sent about a Failure: everything but the stack. */
export interface FailureReport {
  readonly code: FailureCode;
  readonly facts: FailureFacts;
}

/** An expected error. `message` is for logs only; pages show the sentence from views/words. */
export class Failure extends Error {
  readonly code: FailureCode;
  readonly facts: FailureFacts;

  constructor(code: FailureCode, facts: FailureFacts = {}) {
    super(`${code} ${JSON.stringify(facts)}`);
    this.name = "Failure";
    this.code = code;
    this.facts = facts;
  }

  /** The Failure without its stack. */
  get report(): FailureReport {
    return { code: this.code, facts: this.facts };
  }
}

/** The Failure in `error`, or `internal` for any other error. */
export function asFailure(error: unknown): Failure {
  return error instanceof Failure ? error : new Failure("internal");
}

/**
 * Turns anything thrown into the Failure to answer with. Counts it; logs it when it is a bug (`internal`).
 */
export type Refuse = (error: unknown, facts?: Readonly<Record<string, string>>) => Failure;
