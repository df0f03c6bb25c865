/**
 * The calls from C into JavaScript, for what OpenSSL asks in no other way. They are registered once for each thread, and
 * happen within a call that a session has made: that session is the active one. No exception leaves them, since C code is
 * on the stack: it is thrown again later.
 */
import { rethrowLater } from "../../errors.js";
import type { OpenSsl } from "./openssl-functions.js";

/** What OpenSSL asks of a session. */
export interface AskedSession {
  /** Before a server shows its certificate: {@link GO_ON}, {@link REFUSE}, or {@link WAIT}. */
  chooseCertificate(): number;
  /** Writes the chosen application protocol to `out`; answers {@link OK} and the like. */
  chooseProtocol(out: number, outLength: number, theirs: number, theirLength: number): number;
  /** A session that can be resumed has come; it is OpenSSL's. */
  sessionCame(session: number): void;
}

const POINTER = "intptr_t";

/** Answers of a call for certificates. */
export const GO_ON = 1;
export const REFUSE = 0;
export const WAIT = -1;

/** Answers of calls for extensions. */
export const OK = 0;
export const FATAL = 2;
export const NOT_TAKEN = 3;

/** The addresses at which C calls a thread's sessions. */
export class SessionCalls {
  readonly certificate: number;
  readonly protocol: number;
  readonly newSession: number;
  /** Goes on with a chain of certificates whatever is wrong with it; the verdict tells. */
  readonly takeAnyChain: number;
  /** Whose call is under way. */
  active: AskedSession | undefined = undefined;

  constructor(functions: OpenSsl) {
    this.certificate = functions.callAddress([POINTER, POINTER], () =>
      this.ask(REFUSE, (session) => session.chooseCertificate()),
    );
    this.protocol = functions.callAddress(
      [POINTER, POINTER, POINTER, POINTER, "uint32_t", POINTER],
      (_ssl, out, outLength, theirs, theirLength) =>
        this.ask(FATAL, (session) =>
          session.chooseProtocol(
            Number(out),
            Number(outLength),
            Number(theirs),
            Number(theirLength),
          ),
        ),
    );
    this.newSession = functions.callAddress([POINTER, POINTER], (_ssl, came) =>
      this.ask(0, (session) => {
        session.sessionCame(Number(came));
        // It stays OpenSSL's.
        return 0;
      }),
    );
    this.takeAnyChain = functions.callAddress(["int", POINTER], () => 1);
  }

  private ask(otherwise: number, question: (session: AskedSession) => number): number {
    const { active } = this;
    if (active === undefined) return otherwise;
    try {
      return question(active);
    } catch (defect) {
      rethrowLater(defect);
      return otherwise;
    }
  }
}
