// Names with passwords: argon2id by Bun, throttled by account and by address; invitations, by which accounts
// are made.

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
import { type Client, cookieOf, hashOf, newSecret } from "./auth.ts";

/** NIST SP 800-63B: at least 8 characters, and room for long ones. */
const [passwordMinChars, passwordMaxBytes] = [8, 1024];

/** Attempts at one account, from wherever, and from one address, at whichever account: more must wait. */
const perAccount: Bucket = { capacity: 20, everyMs: 30_000 };
const perAddress: Bucket = { capacity: 10, everyMs: 15_000 };
/** Attempts from one browser at the account that it has signed in to before, or is signed in to: what others try does not count there. */
const perBrowser: Bucket = { capacity: 10, everyMs: 15_000 };

/** The cookie by which a browser is known to have signed in to an account before, and how long that is remembered, in seconds. */
const [browserCookie, browserSeconds] = ["parlor-browser", 400 * 24 * 3600];

/** Hashes under way at once (64 MB and some 160 ms of a core each), and how many more may wait for their turn. */
const hashesMax = 2;
const hashesWaitingMax = 50;

/** How long an invitation holds, in ms; the first admin's, which stands in the log of whoever started us, a day. */
const invitationMs = 7 * 24 * 3_600_000;
const firstInvitationMs = 24 * 3_600_000;

export class Passwords {
  readonly #store: Pick<Store, "people" | "sessions" | "usage" | "audit">;
  readonly #waiting: (() => void)[] = [];
  #hashing = 0;
  /** For names that nobody has: so that they take as long as those that somebody has. */
  readonly #decoy: Promise<string>;

  constructor(store: Pick<Store, "people" | "sessions" | "usage" | "audit">) {
    this.#store = store;
    this.#decoy = Bun.password.hash(newSecret(), "argon2id");
    this.#decoy.catch(() => null);
  }

  /**
   * `browser` is the Cookie header. Whoever comes with a browser that has signed in to this account before, or asks from a `session` of it, is not kept out by what
   * others try: their attempts count by themselves.
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

  /** Sets a password of somebody's own, and ends their other sessions. @throws Failure `wrong_password`, `bad_password`, `too_many_attempts` */
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

  /** @throws Failure `bad_password` */
  async set(person: PersonId, password: string): Promise<void> {
    await this.#store.people.change(person, { password: await this.hash(password) });
  }

  /** @throws Failure `bad_password` */
  async hash(password: string): Promise<string> {
    if ([...password].length < passwordMinChars || Buffer.byteLength(password) > passwordMaxBytes) {
      throw new Failure("bad_password", { least: passwordMinChars });
    }
    return this.#turn(() => Bun.password.hash(fit(password), "argon2id"));
  }

  /** A link's secret, for somebody to make an account, or for `person` to set a password. */
  async invite(role: PersonRole, person: PersonId | null = null): Promise<string> {
    const secret = newSecret();
    const expiresAt = Date.now() + (person === localPerson ? firstInvitationMs : invitationMs);
    await this.#store.sessions.invite(hashOf(secret), { role, person, expiresAt });
    return secret;
  }

  /** @throws Failure `not_found`, `too_many_attempts` */
  async invitation(secret: string, client: Client): Promise<Invitation> {
    const found = await this.#store.sessions.invitation(hashOf(secret));
    if (found) return found;
    await this.throttle(`login@${networkOf(client.address)}`, perAddress);
    throw new Failure("not_found");
  }

  /** Uses an invitation up. @throws Failure `not_found`, `bad_name`, `name_taken`, `bad_password`, `too_many_attempts` */
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

  /** The cookie that says later that this browser has signed in to somebody's account; null where they have no password. It holds until that is another. */
  async rememberBrowser(person: PersonId, client: Client): Promise<string | null> {
    const hash = await this.#store.people.passwordOf(person);
    if (hash === null) return null;
    const id = newSecret();
    return cookieOf(browserCookie, `${id}.${sealOf(id, hash)}`, client, browserSeconds);
  }

  /** Which of the browsers that have signed in to the account with this password's hash the cookies say it is; null for none. */
  #browserIn(cookies: string | null, hash: string): string | null {
    const [id = "", seal = ""] = (new Bun.CookieMap(cookies ?? "").get(browserCookie) ?? "").split(".");
    const [said, right] = [Buffer.from(seal), Buffer.from(sealOf(id, hash))];
    return id !== "" && said.length === right.length && crypto.timingSafeEqual(said, right) ? id : null;
  }

  /** @throws Failure `too_many_attempts` */
  async throttle(bucket: string, bounds: Bucket): Promise<void> {
    const waitMs = await this.#store.usage.take(bucket, bounds);
    if (waitMs > 0) throw new Failure("too_many_attempts", { seconds: Math.ceil(waitMs / 1000) });
  }

  /** Whoever has signed in from their browser before goes first, and is not turned away because of what strangers try. */
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

/** What is known of whoever tries a password. */
interface Familiar {
  readonly browser?: string | null;
  /** The hash of the session that asks. */
  readonly session?: string | null;
}

/** Nobody can make it for a browser's id who does not have the hash of the account's password, which never leaves the house. */
const sealOf = (id: string, passwordHash: string): string =>
  new Bun.CryptoHasher("sha256", passwordHash).update(`browser ${id}`).digest("base64url");

/** What can be hashed: an empty password and one without an end are no errors, only wrong. */
function fit(password: string): string {
  return password === "" ? " " : password.normalize("NFKC").slice(0, passwordMaxBytes);
}
