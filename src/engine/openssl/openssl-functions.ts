/**
 * The functions of OpenSSL that are called, each declared once, with who owns what. They are those that
 * Node's executable has and exports for add-ons, so it is the OpenSSL that Node ships and mends.
 *
 * Ownership, in the words of OpenSSL: `new`, `get1` and `d2i` answer an object that the caller frees;
 * `get0` answers one that stays its owner's; `set0` gives the caller's reference away; `set1` and plain
 * `set` take one of their own, or copy.
 *
 * Addresses are numbers: those of user space have 47 bits. Text that is answered is copied by koffi.
 */
import { type Koffi, loadKoffi } from "../koffi.js";

/** Those that answer a number. */
const NUMBERS = {
  // Static: never freed.
  versionNumber: "unsigned long OpenSSL_version_num()",
  tlsMethod: "intptr_t TLS_method()",
  memoryBio: "intptr_t BIO_s_mem()",

  // The queue of errors of the thread: takes the oldest out; looks at the newest; empties it.
  takeError: "unsigned long ERR_get_error()",
  newestError: "unsigned long ERR_peek_last_error()",
  clearErrors: "void ERR_clear_error()",

  // A context is Node's (`native-context.ts`). These change it in place; the functions live as long as
  // the thread.
  contextSetNewSession: "void SSL_CTX_sess_set_new_cb(intptr_t context, intptr_t call)",
  contextSetGetSession: "void SSL_CTX_sess_set_get_cb(intptr_t context, intptr_t call)",
  contextSetAlpnSelect:
    "void SSL_CTX_set_alpn_select_cb(intptr_t context, intptr_t call, intptr_t argument)",
  contextSetCall: "long SSL_CTX_callback_ctrl(intptr_t context, int command, intptr_t call)",
  contextControl:
    "long SSL_CTX_ctrl(intptr_t context, int command, long number, intptr_t argument)",
  contextTimeout: "long SSL_CTX_get_timeout(intptr_t context)",
  // The context's own.
  contextGet0Store: "intptr_t SSL_CTX_get_cert_store(intptr_t context)",
  // Takes a reference of its own, gives back the one to the former.
  contextSet1Store: "void SSL_CTX_set1_cert_store(intptr_t context, intptr_t store)",

  // An SSL is the caller's, until `sslFree`, once. It takes a reference to its context, and gives back
  // that, its BIOs and its session when it is freed.
  sslNew: "intptr_t SSL_new(intptr_t context)",
  sslFree: "void SSL_free(intptr_t ssl)",
  sslSetAcceptState: "void SSL_set_accept_state(intptr_t ssl)",
  sslSetConnectState: "void SSL_set_connect_state(intptr_t ssl)",
  sslControl: "long SSL_ctrl(intptr_t ssl, int command, long number, void* argument)",
  sslSetVerify: "void SSL_set_verify(intptr_t ssl, int mode, intptr_t call)",
  sslSetCertificateCall: "void SSL_set_cert_cb(intptr_t ssl, intptr_t call, intptr_t argument)",
  // Takes a reference to the context, gives back the one to the former.
  sslSetContext: "intptr_t SSL_set_SSL_CTX(intptr_t ssl, intptr_t context)",
  // Copies the list.
  sslSetAlpn: "int SSL_set_alpn_protos(intptr_t ssl, void* list, uint32_t byteCount)",
  // Takes a reference of its own.
  sslSetSession: "int SSL_set_session(intptr_t ssl, intptr_t session)",
  // Each takes over one reference to the BIO.
  sslSet0Input: "void SSL_set0_rbio(intptr_t ssl, intptr_t bio)",
  sslSet0Output: "void SSL_set0_wbio(intptr_t ssl, intptr_t bio)",
  sslHandshake: "int SSL_do_handshake(intptr_t ssl)",
  sslRead: "int SSL_read(intptr_t ssl, intptr_t into, int byteCount)",
  sslWrite: "int SSL_write(intptr_t ssl, intptr_t from, int byteCount)",
  // TLS 1.3: the next record tells the peer.
  sslKeyUpdate: "int SSL_key_update(intptr_t ssl, int kind)",
  sslShutdown: "int SSL_shutdown(intptr_t ssl)",
  // Also looks at the thread's queue of errors.
  sslError: "int SSL_get_error(intptr_t ssl, int result)",
  // Whether bytes are in the buffer of records: a part of one, or what is behind it.
  sslHasPending: "int SSL_has_pending(intptr_t ssl)",
  // Frees the buffers of records, if nothing is in them.
  sslFreeBuffers: "int SSL_free_buffers(intptr_t ssl)",
  sslVerifyResult: "long SSL_get_verify_result(intptr_t ssl)",
  sslIsReused: "int SSL_session_reused(intptr_t ssl)",
  // The SSL's; the same for what is written to where the two pointers point.
  sslGet0Cipher: "intptr_t SSL_get_current_cipher(intptr_t ssl)",
  sslGet0Alpn: "void SSL_get0_alpn_selected(intptr_t ssl, void* address, void* byteCount)",
  // `out` then points into `ours` or `theirs`.
  selectProtocol:
    "int SSL_select_next_proto(intptr_t out, intptr_t outLength, intptr_t ours, uint32_t ourLength, intptr_t theirs, uint32_t theirLength)",

  // The caller's, until `certificateFree`.
  sslGet1Certificate: "intptr_t SSL_get1_peer_certificate(intptr_t ssl)",
  certificateFree: "void X509_free(intptr_t certificate)",
  // Both write to where the pointer points, and move it; without one they tell the length.
  certificateToDer: "int i2d_X509(intptr_t certificate, void* pointer)",
  sessionToDer: "int i2d_SSL_SESSION(intptr_t session, void* pointer)",
  // The caller's, until `sessionFree`.
  sessionFromDer: "intptr_t d2i_SSL_SESSION(intptr_t none, void* pointer, long byteCount)",
  sessionFree: "void SSL_SESSION_free(intptr_t session)",

  // A BIO is the caller's, with references that are counted; `bioFree` gives one back.
  bioNew: "intptr_t BIO_new(intptr_t method)",
  bioNewReadOnly: "intptr_t BIO_new_mem_buf(intptr_t bytes, int byteCount)",
  bioAddReference: "int BIO_up_ref(intptr_t bio)",
  bioFree: "int BIO_free(intptr_t bio)",
  bioControl: "long BIO_ctrl(intptr_t bio, int command, long number, intptr_t argument)",
  bioRead: "int BIO_read(intptr_t bio, intptr_t into, int byteCount)",

  // Of the C library: from an address into memory of ours.
  copyMemory: "intptr_t memcpy(void* into, intptr_t from, size_t byteCount)",
} as const;

/** Those that answer text, or null: all of it is static, or its owner's, and copied at once. */
const TEXTS = {
  version: "const char* OpenSSL_version(int kind)",
  errorReason: "const char* ERR_reason_error_string(unsigned long error)",
  errorLibrary: "const char* ERR_lib_error_string(unsigned long error)",
  sslVersion: "const char* SSL_get_version(intptr_t ssl)",
  sslServerName: "const char* SSL_get_servername(intptr_t ssl, int kind)",
  cipherName: "const char* SSL_CIPHER_standard_name(intptr_t cipher)",
} as const;

/** What a function takes: numbers, which addresses are too, and memory. */
type Argument = number | Uint8Array | null;

/** The functions, bound to those of this process. */
export type OpenSslFunctions = Readonly<
  Record<keyof typeof NUMBERS, (...args: readonly Argument[]) => number> &
    Record<keyof typeof TEXTS, (...args: readonly Argument[]) => string | null>
>;

/** The functions, and what koffi does besides. */
export interface OpenSsl extends OpenSslFunctions {
  /** Where the bytes of a view lie. */
  addressOf(view: Uint8Array): number;
  /** Where a function lies that looks at an SSL only, and answers 0: a call-back that agrees with all. */
  readonly agreeing: number;
  /** The address at which C finds `call`, which takes these and answers an `int`, until the thread ends. */
  callAddress(parameters: readonly string[], call: (...args: number[]) => number): number;
}

/** Binds the functions. Throws where koffi or one of them is missing. */
export function bindOpenSsl(koffi: Koffi = loadKoffi()): OpenSsl {
  const library = koffi.load(null);
  const bound: Record<string, unknown> = {};
  for (const [name, prototype] of Object.entries({ ...NUMBERS, ...TEXTS })) {
    bound[name] = library.func(prototype);
  }
  return {
    ...(bound as OpenSslFunctions),
    // SSL_get_quiet_shutdown: the option is never set here, so that it returns 0.
    agreeing: Number(library.symbol("SSL_get_quiet_shutdown")),
    addressOf: (view) => Number(koffi.address(view)),
    callAddress: (parameters, call) =>
      Number(koffi.register(call, koffi.pointer(koffi.proto("int", parameters)))),
  };
}
