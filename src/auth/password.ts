// Signing in with a name and a password (argon2id, by Bun), throttled per account and per address.
// Invitations, with which accounts are made.

import {
  type Invitation,
  localPerson,
  nameKey,
  type Person,
  type PersonRole,
  personName,
} from "../domain/account.ts";
import { networkOf } from "../domain/address.ts";
import { Failure } from "../domain/failure.ts";
import type { PersonId } from "../domain/id.ts";
import type { Bucket } from "../store/accounts.ts";
import type { Store } from "../store/store.ts";
import { type Client, cookieOf } from "./auth.ts";
import { hashOf, newSecret } from "./secrets.ts";

/** NIST SP 800-63B: at least 8 characters, and room for long passwords. */
const [passwordMinChars, passwordMaxBytes] = [8, 1024];

/**
 * Attempts at one account from all addresses, and attempts from one address at all accounts. More must wait.
 */
const perAccount: Bucket = { capacity: 20, everyMs: 30_000 };
const perAddress: Bucket = { capacity: 10, everyMs: 15_000 };
/**
 * Attempts from a browser at an account to which it has signed in before. Attempts from elsewhere do not
 * count here.
 */
const perBrowser: Bucket = { capacity: 10, everyMs: 15_000 };

/** The cookie of a browser that has signed in to an account before, and its lifetime in seconds. */
const [browserCookie, browserSeconds] = ["parlor-browser", 400 * 24 * 3600];

/**
 * Hashes that are computed at once (each takes 64 MB and about 160 ms of a core), and hashes that may wait.
 */
const hashesMax = 2;
const hashesWaitingMax = 50;

/**
 * Lifetime of an invitation in ms. The first admin's is printed at the start, where others may read it: a
 * day.
 */
const invitationMs = 7 * 24 * 3_600_000;
const firstInvitationMs = 24 * 3_600_000;

export class Passwords {
  readonly #store: Pick<Store, "people" | "sessions" | "usage" | "audit">;
  readonly #waiting: (() => void)[] = [];
  #hashing = 0;
  /** Verified for names without an account, so that they take as long as names with one. */
  readonly #decoy: Promise<string>;

  constructor(store: Pick<Store, "people" | "sessions" | "usage" | "audit">) {
    this.#store = store;
    this.#decoy = Bun.password.hash(newSecret(), "argon2id");
    this.#decoy.catch(() => null);
  }

  /**
   * The person with this name and password. Attempts from a browser that has signed in to the account before,
   * or from a session of it, are counted separately, so that strangers' attempts can't lock the owner out.
   * @throws Failure `wrong_password`, `too_many_attempts`
   */
  async check(
    name: string,
    password: string,
    client: Client,
    { browser = null, session = null }: Familiar = {},
  ): Promise<Person> {
    const { people, audit } = this.#store;
    const person = await people.named(name);
    const hash = person && person.removedAt === null ? await people.passwordOf(person.id) : null;
    const familiar = session ?? (hash === null ? null : this.#browserIn(browser, hash));
    if (familiar !== null) await this.throttle(`login+${familiar}`, perBrowser);
    else {
      await this.throttle(`login@${networkOf(client.address)}`, perAddress);
      await this.throttle(`login:${nameKey(name).slice(0, 128)}`, perAccount);
    }
    const isRight = await this.#turn(
      async () => Bun.password.verify(fit(password), hash ?? (await this.#decoy)),
      familiar !== null,
    );
    if (person && hash && isRight) return person;
    await audit.note({ actor: person?.id ?? null, act: "sign_in_refused", address: client.address });
    throw new Failure("wrong_password");
  }

  /**
   * Changes a person's own password, and ends their other sessions.
   * @throws Failure `wrong_password`, `bad_password`, `too_many_attempts`
   */
  async change(
    person: Person,
    { old, wished, keep }: { old: string; wished: string; keep: string | null },
    client: Client,
  ): Promise<void> {
    await this.check(person.name, old, client, { session: keep });
    await this.set(person.id, wished);
    await this.#store.sessions.endAll(person.id, keep ?? "");
    await this.#store.audit.note({
      actor: person.id,
      act: "password_changed",
      subject: person.id,
      address: client.address,
    });
  }

  /** Sets a person's password without asking for the current one. @throws Failure `bad_password` */
  async set(person: PersonId, password: string): Promise<void> {
    await this.#store.people.change(person, { password: await this.hash(password) });
  }

  /** The hash to store for a new password. @throws Failure `bad_password` */
  async hash(password: string): Promise<string> {
    if ([...password].length < passwordMinChars || Buffer.byteLength(password) > passwordMaxBytes) {
      throw new Failure("bad_password", { least: passwordMinChars });
    }
    return this.#turn(() => Bun.password.hash(fit(password), "argon2id"));
  }

  /** Makes an invitation and returns its secret: for a new account, or for `person` to set a password. */
  async invite(role: PersonRole, person: PersonId | null = null): Promise<string> {
    const secret = newSecret();
    const expiresAt = Date.now() + (person === localPerson ? firstInvitationMs : invitationMs);
    await this.#store.sessions.invite(hashOf(secret), { role, person, expiresAt });
    return secret;
  }

  /** The invitation with this secret. @throws Failure `not_found`, `too_many_attempts` */
  async invitation(secret: string, client: Client): Promise<Invitation> {
    const found = await this.#store.sessions.invitation(hashOf(secret));
    if (found) return found;
    await this.throttle(`login@${networkOf(client.address)}`, perAddress);
    throw new Failure("not_found");
  }

  /**
   * Makes the account, or sets the password, that an invitation is for. It can't be used again.
   * @throws Failure `not_found`, `bad_name`, `name_taken`, `bad_password`, `too_many_attempts`
   */
  async accept(
    secret: string,
    { name, password }: { name: string; password: string },
    client: Client,
  ): Promise<Person> {
    const { person: invited } = await this.invitation(secret, client);
    const wished = personName(name);
    const needsName = invited === null || invited === localPerson;
    if (needsName && wished === null) throw new Failure("bad_name");
    const person = await this.#store.sessions.accept(hashOf(secret), {
      name: wished ?? "",
      password: await this.hash(password),
    });
    await this.#store.audit.note({
      actor: person.id,
      act: "invitation_used",
      subject: person.id,
      address: client.address,
    });
    return person;
  }

  /**
   * A cookie that marks the browser as one that has signed in to this account; null without a password. It
   * holds until the password changes.
   */
  async rememberBrowser(person: PersonId, client: Client): Promise<string | null> {
    const hash = await this.#store.people.passwordOf(person);
    if (hash === null) return null;
    const id = newSecret();
    return cookieOf(browserCookie, `${id}.${sealOf(id, hash)}`, client, browserSeconds);
  }

  /**
   * The id of a browser that has signed in to the account with this password hash; null for any other
   * browser.
   */
  #browserIn(cookies: string | null, hash: string): string | null {
    const [id = "", seal = ""] = (new Bun.CookieMap(cookies ?? "").get(browserCookie) ?? "").split(".");
    const [said, right] = [Buffer.from(seal), Buffer.from(sealOf(id, hash))];
    return id !== "" && said.length === right.length && crypto.timingSafeEqual(said, right) ? id : null;
  }

  /** Takes one attempt from a token bucket. @throws Failure `too_many_attempts` */
  async throttle(bucket: string, bounds: Bucket): Promise<void> {
    const waitMs = await this.#store.usage.take(bucket, bounds);
    if (waitMs > 0) throw new Failure("too_many_attempts", { seconds: Math.ceil(waitMs / 1000) });
  }

  /**
   * Waits until fewer than `hashesMax` hashes are computed. Familiar browsers go first and are never refused.
   */
  async #turn<T>(work: () => Promise<T>, isFamiliar = false): Promise<T> {
    if (!isFamiliar && this.#waiting.length >= hashesWaitingMax)
      throw new Failure("too_many_attempts", { seconds: 10 });
    if (this.#hashing >= hashesMax)
      await new Promise<void>((resolve) =>
        isFamiliar ? this.#waiting.unshift(resolve) : this.#waiting.push(resolve),
      );
    this.#hashing++;
    try {
      return await work();
    } finally {
      this.#hashing--;
      this.#waiting.shift()?.();
    }
  }
}

/** What may show that an attempt is the owner's. */
interface Familiar {
  /** The Cookie header. */
  readonly browser?: string | null;
  /** The hash of the session that sends the request. */
  readonly session?: string | null;
}

/**
 * Only parlor can compute this seal of a browser's id: its key is the account's password hash, which is never
 * sent.
 */
const sealOf = (id: string, passwordHash: string): string =>
  new Bun.CryptoHasher("sha256", passwordHash).update(`browser ${id}`).digest("base64url");

/**
 * Normalises (NFKC) and truncates a password, so that an empty or huge one fails verification instead of
 * throwing.
 */
function fit(password: string): string {
  return password === "" ? " " : password.normalize("NFKC").slice(0, passwordMaxBytes);
}
