// An expected error: a code from a closed union plus the facts its sentence needs.
// The sentences themselves stand in views/words, one per language. Anything thrown that is
// not a Failure is a bug. Thrown anywhere; caught by HTTP's onError, a socket's message and a Run's end.

/** Every way in which something can fail without anyone having written a bug. */
export type FailureCode =
  // the llama-server behind us
  | "upstream_absent" // nobody answers at its address
  | "upstream_loading" // it answers 503: the model is still being read
  | "upstream_unauthorized" // it wants an API key, or another one
  | "upstream_refused" // another 4xx
  | "upstream_error" // 5xx, or an error event in mid-stream
  | "upstream_cut" // the stream ended before its end was announced
  | "upstream_stalled" // nothing came for longer than the limit
  | "upstream_garbled" // what came is not the protocol
  | "upstream_line_too_long" // a line that exceeds the buffer
  | "answer_too_long" // the whole of it exceeds the bound
  | "model_missing" // no llama-server has the one that was asked for
  | "model_failed" // it could not be loaded
  | "context_overflow" // even the last question alone is longer than the slot's context
  | "context_full" // the conversation no longer fits, and its persona does not drop the oldest
  // how a conversation is answered
  | "persona_missing" // its file is not there any more
  | "persona_broken" // its file is there, and has a fault
  | "persona_enforced" // it would be answered past the persona that holds for everybody
  | "bad_setting" // a number outside of its bounds
  // where we keep things
  | "store_unwritable" // the disk is full, or the file can't be written
  | "store_damaged" // the file is damaged
  // what people ask for
  | "message_empty"
  | "message_too_long"
  | "conversation_busy" // one Run at a time in a conversation
  | "queue_full"
  | "too_many_waiting" // of one person
  | "runs_limit" // per minute, of one person
  | "tokens_limit" // per day, of one person
  | "not_found"
  | "conversation_removed" // deleted, in a way that can be undone
  | "bad_frame" // a frame that is no Command
  | "bad_request"
  | "import_busy" // somebody's files are being read already, or enough of others'
  | "import_slow" // a file took longer than the limit
  | "too_large"
  | "unsupported_encoding" // a body that is compressed in a way we do not know
  | "bodies_full" // all bodies that are in memory together
  | "body_slow" // it was announced and does not come
  | "no_such_address" // of programs
  | "wrong_method"
  | "too_many_sockets"
  | "foreign_origin" // another site's page
  | "unknown_host" // called by a name that is not ours (DNS rebinding)
  | "shutting_down"
  | "stopped" // by the operator
  // who people are
  | "not_signed_in"
  | "bad_key" // of a program
  | "key_scope" // it does not open this
  | "not_admin"
  | "wrong_password" // or no such name: which of them is not said
  | "too_many_attempts"
  | "proxy_untrusted" // a name in a header from an address that is not listed
  | "person_removed"
  | "name_taken"
  | "bad_name"
  | "bad_password"
  | "bad_limit"
  | "bad_address" // of a llama-server
  | "last_admin"
  | "provider_failed" // what the OpenID provider says can't be used, or not be believed
  | "provider_down" // it does not answer
  | "provider_denied" // it did not let them in, or they went back
  | "provider_lost" // the way back began in another browser, or too long ago
  | "read_only" // whoever follows a link can't write
  | "internal";

/** The facts a Failure's sentence is made of: numbers keep their unit in the key (`limitBytes`). */
export type FailureFacts = Readonly<Record<string, string | number>>;

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
