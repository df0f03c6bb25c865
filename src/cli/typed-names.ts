/** What the library says of an option of its own, said of the one that was typed. */

/** The options that stand for parts of `tls`, the first of them that a command has. */
const TLS_NAMES: Readonly<Record<string, readonly string[]>> = {
  ca: ["client-ca", "ca"],
  caFile: ["client-ca", "ca"],
  cert: ["cert"],
  certFile: ["cert"],
  key: ["key"],
  keyFile: ["key"],
  serverName: ["servername"],
  fingerprints: ["fingerprint"],
};

/** The same of `toTls`. */
const TO_TLS_NAMES: typeof TLS_NAMES = {
  ca: ["to-ca"],
  caFile: ["to-ca"],
  serverName: ["to-name"],
};

/** How messages begin that are about other options. */
const BEGINNINGS: readonly (readonly [begins: RegExp, option: string, text: string])[] = [
  [/^the URL of a proxy/, "proxy", "--proxy"],
  [/^destinations\.allow/, "to-private", "--to-private"],
  [/^to: a destination/, "to", "--to"],
  [/^sni\.routes: /, "sni", "--sni: "],
  [/^sni\.routes (\S+): a destination/, "sni", "--sni $1"],
  [/^a password of authenticate/, "user", "--user: the password"],
];

/** The message with the names of the options that were typed; `table` has the names of those of the command. */
export function withTypedNames(message: string, table: object): string {
  for (const [begins, option, text] of BEGINNINGS) {
    if (option in table && begins.test(message)) return message.replace(begins, text);
  }
  return message.replace(/^(tls|toTls)(?:\.|: )(\w+)/, (said, owner: string, name: string) => {
    const names = (owner === "tls" ? TLS_NAMES : TO_TLS_NAMES)[name] ?? [];
    const typed = names.find((one) => one in table);
    return typed === undefined ? said : `--${typed}`;
  });
}
