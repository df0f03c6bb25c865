/**
 * Import rules (see ARCHITECTURE.md): imports point down, never sideways or in circles, and the
 * modules of Node that touch the network are the engines' alone.
 */
// What entry points export beside their own names: types of lower layers.
const PUBLIC_TYPES = "^src/public-types\\.ts$";

const layer = (name, from, allowed) => ({
  name,
  severity: "error",
  from: { path: from },
  to: { path: "^src/", pathNot: [from, PUBLIC_TYPES, ...allowed] },
});

const apart = (name, from, to) => ({
  name,
  severity: "error",
  from: { path: from },
  to: { path: to },
});

const GROUND = "^src/(errors|closest-word|installed|options)\\.ts$";
const ADDRESS = "^src/address/";
const BYTES = "^src/bytes/";
const TIME = "^src/time/";
const RECEIVE = "^src/receive/";
const ENGINE_CONTRACT = "^src/engine/(engine|tls-options|peer-key)\\.ts$";
const ENGINE_DOOR = "^src/engine/(engine|tls-options|peer-key|choose-engine)\\.ts$";
const CONNECTION = "^src/connection/";
const PACKETS = "^src/packets/";
const DIAL = "^src/dial/";
const DATAGRAM = "^src/datagram/";
const OUTGOING = "^src/outgoing/";

export const rules = {
  forbidden: [
    { name: "no-circle", severity: "error", from: {}, to: { circular: true } },
    { name: "no-orphan", severity: "error", from: { orphan: true, path: "^src/" }, to: {} },
    {
      name: "network-modules-under-engine-only",
      severity: "error",
      from: { path: "^src/", pathNot: "^src/engine/" },
      to: { path: "^(node:)?(net|tls|dgram|dns|dns/promises)$|node_modules/koffi" },
    },
    {
      name: "pure-code-has-no-node-modules",
      severity: "error",
      from: { path: "^src/(receive|protocol|bytes|errors\\.ts|options\\.ts|closest-word\\.ts)" },
      to: { dependencyTypes: ["core"], pathNot: "^(node:)?buffer$" },
    },
    {
      name: "types-in-common-for-entries",
      severity: "error",
      from: { path: "^src/", pathNot: ["^src/index\\.ts$", "^src/[a-z]+/index\\.ts$"] },
      to: { path: PUBLIC_TYPES },
    },
    layer("ground-imports-nothing", GROUND, []),
    layer("address-on-bytes", ADDRESS, [GROUND, BYTES]),
    layer("bytes-on-errors", BYTES, [GROUND]),
    layer("time-on-bytes", TIME, [GROUND, BYTES]),
    layer("receive-is-pure", RECEIVE, [GROUND, BYTES, TIME]),
    {
      name: "protocols-are-pure-strangers",
      severity: "error",
      from: { path: "^src/protocol/([^/]+)/" },
      to: { path: "^src/", pathNot: ["^src/protocol/$1/", GROUND, BYTES, TIME] },
    },
    layer("engine-on-the-ground", "^src/engine/", [GROUND, BYTES, TIME]),
    {
      name: "engines-are-strangers",
      severity: "error",
      from: { path: "^src/engine/(node|uring|memory)/" },
      to: { path: "^src/engine/(node|uring|memory)/", pathNot: "^src/engine/$1/" },
    },
    {
      name: "tls-knows-no-engine",
      severity: "error",
      from: { path: "^src/engine/(tls|openssl)/" },
      to: { path: "^src/engine/(node|uring|memory)/" },
    },
    {
      name: "only-the-chooser-knows-engines",
      severity: "error",
      from: { path: "^src/engine/[^/]+\\.ts$", pathNot: "choose-engine\\.ts$" },
      to: { path: "^src/engine/(node|uring|memory)/" },
    },
    layer("connection-knows-no-engine", CONNECTION, [
      GROUND,
      ADDRESS,
      "^src/protocol/proxy-header/",
      BYTES,
      TIME,
      RECEIVE,
      ENGINE_CONTRACT,
    ]),
    layer("packets-on-connection", PACKETS, [GROUND, BYTES, TIME, RECEIVE, CONNECTION]),
    layer("dial-on-connection", DIAL, [
      GROUND,
      BYTES,
      TIME,
      "^src/engine/(engine|tls-options|address-text)\\.ts$",
      CONNECTION,
      "^src/protocol/(http1|socks)/",
    ]),
    layer("outgoing-on-connection", OUTGOING, [GROUND, BYTES, TIME, ENGINE_CONTRACT, CONNECTION]),
    layer("datagram-on-connection", DATAGRAM, [
      GROUND,
      BYTES,
      TIME,
      ENGINE_CONTRACT,
      CONNECTION,
      PACKETS,
      OUTGOING,
      DIAL,
      "^src/protocol/(udp-control|socks)/",
    ]),
    layer("udp-on-datagram", "^src/udp/", [
      GROUND,
      BYTES,
      TIME,
      ENGINE_DOOR,
      CONNECTION,
      DATAGRAM,
      OUTGOING,
      "^src/protocol/udp-control/",
    ]),
    layer("arq-on-datagram", "^src/arq/", [
      GROUND,
      BYTES,
      TIME,
      ENGINE_DOOR,
      CONNECTION,
      DATAGRAM,
      OUTGOING,
      "^src/protocol/(arq|kcp)/",
    ]),
    layer("system-on-the-ground", "^src/system/", [
      GROUND,
      BYTES,
      "^src/engine/(koffi|tcp-states)\\.ts$",
    ]),
    layer("tcp-on-connection", "^src/tcp/", [
      GROUND,
      BYTES,
      TIME,
      RECEIVE,
      ENGINE_DOOR,
      CONNECTION,
      PACKETS,
      DIAL,
      OUTGOING,
    ]),
    layer("pool-on-tcp", "^src/pool/", [
      GROUND,
      BYTES,
      TIME,
      ENGINE_DOOR,
      CONNECTION,
      DIAL,
      "^src/tcp/",
    ]),
    layer("http-on-connection", "^src/http/(?!sync/sync-sockets\\.ts$)", [
      GROUND,
      BYTES,
      TIME,
      RECEIVE,
      ENGINE_DOOR,
      CONNECTION,
      PACKETS,
      DIAL,
      "^src/tcp/",
      "^src/pool/(stock|waiting-line)\\.ts$",
      "^src/http/",
      "^src/protocol/(http1|cookie-file|proxy-header)/",
    ]),
    // The worker of HttpSyncClient is a program of its own, which may use what stands on HTTP.
    layer("http-sync-sockets", "^src/http/sync/sync-sockets\\.ts$", [
      GROUND,
      TIME,
      "^src/http/",
      "^src/websocket/",
    ]),
    layer("websocket-on-http", "^src/websocket/", [
      GROUND,
      BYTES,
      TIME,
      ENGINE_DOOR,
      CONNECTION,
      DIAL,
      OUTGOING,
      "^src/http/",
      "^src/protocol/(http1|websocket)/",
    ]),
    layer("stocks-and-lines-are-pure", "^src/pool/(stock|waiting-line)\\.ts$", []),
    layer("proxy-on-http", "^src/proxy/", [
      GROUND,
      ADDRESS,
      BYTES,
      TIME,
      ENGINE_DOOR,
      CONNECTION,
      DIAL,
      DATAGRAM,
      "^src/tcp/",
      "^src/http/",
      "^src/pool/",
      DATAGRAM,
      "^src/engine/tls/server-name\\.ts$",
      "^src/protocol/(http1|socks|proxy-header|tls-hello)/",
    ]),
    apart("http-server-knows-no-client", "^src/http/server/", "^src/http/(client|sync|cookie)/"),
    apart("http-clients-know-no-server", "^src/http/(client|sync|cookie)/", "^src/http/server/"),
    apart("http-sync-on-client", "^src/http/client/", "^src/http/sync/"),
    apart(
      "http-cookies-stand-alone",
      "^src/http/cookie/",
      "^src/http/([a-z-]+\\.ts|client/|sync/)",
    ),
    {
      name: "one-file-knows-tough-cookie",
      severity: "error",
      from: { path: "^src/", pathNot: "^src/http/cookie/cookie-rules\\.ts$" },
      to: { path: "(^|/)(tough-cookie|tldts)(/|$)" },
    },
    {
      name: "the-entry-reaches-no-http",
      severity: "error",
      from: { path: "^src/index\\.ts$" },
      // Proxies speak HTTP too: what of its wire format they need is loaded with `dial/tunnel`, see below. Any
      // server may have a relay in front of it.
      to: {
        path: "^src/(http|websocket|udp|arq|datagram|proxy|protocol)/",
        pathNot: "^src/protocol/(http1|socks|proxy-header)/",
        reachable: true,
      },
    },
    {
      name: "tunnels-are-loaded-by-those-who-use-them",
      severity: "error",
      from: { path: "^src/", pathNot: "^src/dial/dialing\\.ts$" },
      to: { path: "^src/dial/tunnel\\.ts$" },
    },
    {
      name: "nothing-imports-the-entry",
      severity: "error",
      from: { path: "^src/", pathNot: "^src/(cli|index\\.ts|testing)" },
      to: { path: "^src/(cli|testing|index\\.ts|(http|websocket|udp|arq|proxy)/index\\.ts)" },
    },
  ],
  options: {
    tsPreCompilationDeps: true,
    parser: "swc",
    doNotFollow: { path: "node_modules" },
    enhancedResolveOptions: { extensionAlias: { ".js": [".ts", ".js"] } },
  },
};
