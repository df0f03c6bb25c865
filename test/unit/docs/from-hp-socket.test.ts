/** docs/from-hp-socket.md says of every name of HP-Socket where it went. */
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

const ARQ = `TurnoffCongestCtrl FlushInterval ResendByAcks SendWndSize RecvWndSize MinRto FastLimit MaxTransUnit
MaxMessageSize HandShakeTimeout GetWaitingSendMessageCount`;

const HTTP = `StartHttp HttpAutoStart SendResponse SendLocalFile SendChunkData Release ReleaseDelay LocalVersion
IsUpgrade GetUpgradeType IsKeepAlive GetVersion GetMethod GetHost GetUrlFieldSet GetUrlField GetParam GetParams
GetAllParams GetAllParamNames GetContentLength GetContentType GetContentEncoding GetTransferEncoding GetHeader
GetHeaders GetAllHeaders GetAllHeaderNames GetCookie GetAllCookies GetParseErrorCode GetStatusCode UseCookie
SendRequest SendGet SendPost SendPut SendPatch SendDelete SendHead SendTrace SendOptions SendConnect OpenUrl
CleanupRequestResult GetResponseBody ConnectTimeout RequestTimeout OnMessageBegin OnRequestLine OnStatusLine
OnHeader OnHeadersComplete OnBody OnChunkHeader OnChunkComplete OnMessageComplete OnUpgrade OnParseError HPR_OK
HPR_SKIP_BODY HPR_UPGRADE HPR_ERROR`;

const WEBSOCKET =
  "SendWSMessage GetWSMessageState OnWSMessageHeader OnWSMessageBody OnWSMessageComplete";

const COOKIES =
  `MGR_LoadFromFile MGR_SaveToFile MGR_ClearCookies MGR_RemoveExpiredCookies MGR_SetCookie
MGR_DeleteCookie MGR_SetEnableThirdPartyCookie MGR_IsEnableThirdPartyCookie HLP_ParseExpires HLP_MakeExpiresStr
HLP_ToString HLP_CurrentUTCTime HLP_MaxAgeToExpires HLP_ExpiresToMaxAge`.replace(
    /(MGR|HLP)_/g,
    "HP_HttpCookie_$1_",
  );

const THREAD_POOL = `IHPThreadPool Submit AdjustThreadCount GetThreadCount GetTaskCount GetQueueSize GetMaxQueueSize
GetRejectedPolicy TRP_CALL_FAIL TRP_WAIT_FOR TRP_CALLER_RUN TSocketTask TBT_COPY TBT_REFER TBT_ATTACH OnStartup
OnWorkerThreadStart OnWorkerThreadEnd`;

const HELPERS =
  `GetLastError GetLastErrorStr SetSocketOption GetSocketOption IoctlSocket fcntl_SETFL SSO_NoBlock
SSO_NoDelay SSO_DontLinger SSO_Linger SSO_RecvBuffSize SSO_SendBuffSize SSO_RecvTimeOut SSO_SendTimeOut
SSO_ReuseAddress GetSocketLocalAddress GetSocketRemoteAddress EnumHostIPAddresses FreeHostIPAddresses IsIPAddress
GetIPAddress NToH64 HToN64 SwapEndian16 SwapEndian32 IsLittleEndian Malloc Realloc Free CharsetConvert GbkToUnicode
UnicodeToGbk UnicodeToUtf8 Utf8ToUnicode GbkToUtf8 Utf8ToGbk Compress CompressEx Uncompress UncompressEx
GuessCompressBound GZipCompress GZipUncompress GZipGuessUncompressBound BrotliCompress BrotliCompressEx
BrotliUncompress BrotliGuessCompressBound Base64Encode Base64Decode GuessBase64EncodeBound GuessBase64DecodeBound
UrlEncode UrlDecode GuessUrlEncodeBound GuessUrlDecodeBound`.replace(/\w+/g, "SYS_$&");

const PARTS = [EVENTS, OPERATIONS, PROPERTIES, VALUES, UDP, ARQ, HTTP, WEBSOCKET, COOKIES];
const NAMES = [...PARTS, THREAD_POOL, HELPERS].join(" ").split(/\s+/);

describe("docs/from-hp-socket.md", () => {
  it("has every name of HP-Socket in the first column of a table", () => {
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
