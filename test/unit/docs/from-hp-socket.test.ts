/** docs/from-hp-socket.md says of every name of HP-Socket's TCP components where it went. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { readProjectFile } from "../../support/document.js";

const EVENTS = `OnPrepareListen OnPrepareConnect OnAccept OnConnect OnHandShake OnReceive OnSend OnClose
OnShutdown HR_OK HR_IGNORE HR_ERROR`;

const OPERATIONS = `Start Stop Wait Connect Send SendPackets SendSmallFile PauseReceive IsPauseReceive
Disconnect DisconnectLongConnections DisconnectSilenceConnections Fetch Peek`;

const PROPERTIES = `SetConnectionExtra GetConnectionExtra SetExtra GetExtra IsSecure HasStarted GetState
GetConnectionID GetConnectionCount GetAllConnectionIDs IsConnected GetConnectPeriod GetSilencePeriod
MarkSilence GetPendingDataLength GetLocalAddress GetRemoteAddress GetRemoteHost GetListenAddress
GetLastError GetLastErrorDesc MaxConnectionCount SendPolicy OnSendSyncPolicy ReuseAddressPolicy
SocketListenQueue KeepAliveTime KeepAliveInterval NoDelay DualStack SyncConnectTimeout MaxPackSize
PackHeaderFlag WorkerThreadCount AcceptSocketCount SocketBufferSize FreeSocketObjLockTime
FreeSocketObjPool FreeSocketObjHold FreeBufferObjPool FreeBufferObjHold FreeBufferPoolSize
SetupSSLContext AddSSLContext BindSSLServerName CleanupSSLContext StartSSLHandShake SSLAutoHandShake
SSLCipherList GetSSLSessionInfo`;

const VALUES = `SS_STARTING SS_STARTED SS_STOPPING SS_STOPPED SO_UNKNOWN SO_ACCEPT SO_CONNECT SO_SEND
SO_RECEIVE SO_CLOSE SP_PACK SP_SAFE SP_DIRECT RAP_ADDR_ONLY RAP_ADDR_AND_PORT RAP_NONE FR_LENGTH_TOO_LONG
FR_DATA_NOT_FOUND SE_OK SE_ILLEGAL_STATE SE_INVALID_PARAM SE_SOCKET_CREATE SE_SOCKET_BIND
SE_SOCKET_PREPARE SE_SOCKET_LISTEN SE_CP_CREATE SE_WORKER_THREAD_CREATE SE_DETECT_THREAD_CREATE
SE_SOCKE_ATTACH_TO_CP SE_CONNECT_SERVER SE_NETWORK SE_DATA_PROC SE_DATA_SEND SE_SSL_ENV_NOT_READY
ERROR_OBJECT_NOT_FOUND ERROR_INVALID_STATE ERROR_INVALID_PARAMETER ERROR_BAD_LENGTH ERROR_INVALID_DATA
ERROR_CONNECTION_COUNT_LIMIT ERROR_CANCELLED ERROR_FILE_TOO_LARGE ERROR_FILE_NOT_FOUND ERROR_EMPTY
ERROR_TIMEOUT ERROR_ADDRNOTAVAIL ERROR_AFNOSUPPORT`;

const UDP = `MaxDatagramSize PostReceiveCount DetectAttempts DetectInterval CastMode MultiCastTtl MultiCastLoop
GetCastAddress GetCastMode SendCast SendCastPackets OnError`;

const NAMES = [UDP, EVENTS, OPERATIONS, PROPERTIES, VALUES].join(" ").split(/\s+/);

describe("docs/from-hp-socket.md", () => {
  it("has every name of HP-Socket's TCP and UDP components in the first column of a table", () => {
    const firstCells = readProjectFile("docs/from-hp-socket.md")
      .split("\n")
      .filter((line) => line.startsWith("| "))
      .map((line) => line.split("|")[1] ?? "");
    const words = new Set(firstCells.join(" ").match(/\w+/g));

    assert.deepEqual(
      NAMES.filter((name) => !words.has(name)),
      [],
    );
  });
});
