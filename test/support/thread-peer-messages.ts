/** What passes between a test and the thread that its peers run in. */

/** What a scripted peer does about one request. Nothing given: it is silent. */
export interface ScriptedAnswer {
  /** Sent as it is, as Latin-1. */
  readonly send?: string;
  /** FIN or RST. */
  readonly afterwards?: "finish" | "reset";
}

/** What a peer is. */
export type PeerPlan =
  | {
      readonly kind: "script";
      /** Answers of the first connection, of the second …; further ones are served as the last. */
      readonly connections: readonly (readonly ScriptedAnswer[])[];
    }
  | {
      /** A server of Node's that tells what it got in fields, and sends bodies back. */
      readonly kind: "echo";
      readonly tls?: { readonly cert: string; readonly key: string };
    };

/** What a peer has seen. */
export interface PeerReport {
  /** Requests of each connection, as they came, as Latin-1; of scripted peers only. */
  readonly requests: readonly (readonly string[])[];
  readonly connectionCount: number;
  /** Connections that have ended. */
  readonly endedCount: number;
}

/** What the thread is to do, about the peer of this number. */
export type PeerOrder =
  | { readonly kind: "listen"; readonly peer: number; readonly plan: PeerPlan }
  | { readonly kind: "report"; readonly peer: number }
  | { readonly kind: "end"; readonly peer: number };

/** What it says to the order of this number: a port, a report, or nothing. */
export interface PeerAnswer {
  readonly order: number;
  readonly value: number | PeerReport | undefined;
}
