// tlsload: load of a TLS server on this machine that costs less processor time than the server does.
//
//   cc -O2 -o tlsload tlsload.c -lssl -lcrypto
//   tlsload echo PORT SECONDS CONNS SIZE DEPTH    messages that came back
//   tlsload full|resumed PORT SECONDS [AT_ONCE]   handshakes, each with one byte echoed and an end in good order
//   tlsload full12|resumed12 …                   the same with TLS 1.2
//   tlsload https PORT SECONDS CONNS              answers to GET /
//
// Certificates are not looked at. Prints {"count", "perSecond", "p50Us"}; exits 1 on any error.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { READ_BYTES = 1 << 17, SAMPLES = 1 << 20 };
enum { SHAKING, RUNNING };

typedef struct {
  int fd, state, wants_out;
  SSL *ssl;
  uint64_t received, owed, began;  // bytes received; bytes still to be sent
} peer;

static enum { ECHO, FULL, RESUMED, HTTPS } mode;
static SSL_CTX *context;
static SSL_SESSION *ticket;
static struct sockaddr_in address;
static int poll_fd, conns, depth = 1, opened, established, has_begun;
static uint64_t size = 1, count, answer_bytes, t_begin, t_end;
static double seconds;
static char *message, input[READ_BYTES];
static uint32_t *samples, sample_count;
static const char REQUEST[] = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";

static uint64_t now(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return t.tv_sec * 1000000000ull + t.tv_nsec; }
static void die(const char *what) {
  fprintf(stderr, "tlsload: %s (errno %d)\n", what, errno);
  ERR_print_errors_fp(stderr);
  exit(1);
}

static void begin(void) {
  t_begin = now();
  t_end = t_begin + (uint64_t)(seconds * 1e9);
}

static void counted(uint64_t messages, uint64_t since) {
  count += messages;
  if (sample_count < SAMPLES) samples[sample_count++] = (now() - since) / 100;
}

static void want_out(peer *p, int out) {
  if (p->wants_out == out) return;
  p->wants_out = out;
  struct epoll_event e = { .events = EPOLLIN | (out ? EPOLLOUT : 0), .data.ptr = p };
  epoll_ctl(poll_fd, EPOLL_CTL_MOD, p->fd, &e);
}

static void open_peer(peer *p) {
  int one = 1;
  memset(p, 0, sizeof *p);
  p->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  if (p->fd < 0) die("socket");
  setsockopt(p->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  p->began = now();
  if (connect(p->fd, (struct sockaddr *)&address, sizeof address) < 0 && errno != EINPROGRESS) die("connect");
  p->ssl = SSL_new(context);
  SSL_set_fd(p->ssl, p->fd);
  SSL_set_connect_state(p->ssl);
  if (mode == RESUMED && ticket != NULL) SSL_set_session(p->ssl, ticket);
  struct epoll_event e = { .events = EPOLLIN | EPOLLOUT, .data.ptr = p };
  p->wants_out = 1;
  epoll_ctl(poll_fd, EPOLL_CTL_ADD, p->fd, &e);
}

// True: the call can be made again when the socket is ready.
static int waits(peer *p, int result) {
  int kind = SSL_get_error(p->ssl, result);
  if (kind == SSL_ERROR_WANT_READ) { want_out(p, 0); return 1; }
  if (kind == SSL_ERROR_WANT_WRITE) { want_out(p, 1); return 1; }
  return 0;
}

static void put(peer *p) {
  while (p->owed > 0) {
    int n = SSL_write(p->ssl, message, p->owed > READ_BYTES ? READ_BYTES : (int)p->owed);
    if (n <= 0) { if (waits(p, n)) return; die("SSL_write"); }
    p->owed -= n;
  }
  want_out(p, 0);
}

static void visited(peer *p) {
  if (mode == RESUMED) {
    if (ticket != NULL && !SSL_session_reused(p->ssl)) die("not resumed");
    SSL_SESSION *next = SSL_get1_session(p->ssl);
    if (SSL_SESSION_is_resumable(next)) { SSL_SESSION_free(ticket); ticket = next; }
    else SSL_SESSION_free(next);
  }
  counted(1, p->began);
  SSL_shutdown(p->ssl);
  SSL_free(p->ssl);
  close(p->fd);
  open_peer(p);
}

static void answered(peer *p, int n) {
  if (mode == HTTPS && answer_bytes == 0) {
    input[n] = 0;
    char *end = strstr(input, "\r\n\r\n"), *length = strcasestr(input, "content-length:");
    if (end == NULL || length == NULL || strncmp(input, "HTTP/1.1 200", 12) != 0) die("no answer that can be counted");
    answer_bytes = end + 4 - input + strtoull(length + 15, NULL, 10);
  }
  uint64_t one = mode == HTTPS ? answer_bytes : size;
  uint64_t before = p->received / one;
  p->received += n;
  uint64_t messages = p->received / one - before;
  if (messages == 0) return;
  counted(messages, p->began);
  p->began = now();
  p->owed += messages * size;
  put(p);
}

static int get(peer *p) {
  for (;;) {
    int n = SSL_read(p->ssl, input, READ_BYTES - 1);
    if (n <= 0) { if (waits(p, n)) return 1; die("SSL_read"); }
    if (mode == FULL || mode == RESUMED) { visited(p); return 0; }
    answered(p, n);
  }
}

static void ready(peer *p) {
  if (p->state == SHAKING) {
    int n = SSL_do_handshake(p->ssl);
    if (n != 1) { if (waits(p, n)) return; die("SSL_do_handshake"); }
    p->state = RUNNING;
    p->owed = mode == HTTPS ? size : size * depth;
    established++;
    // The load starts when all are there.
    if (mode == ECHO || mode == HTTPS) { want_out(p, 0); return; }
  }
  if (p->owed > 0) put(p);
  get(p);
}

static int by_value(const void *a, const void *b) {
  uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
  return (x > y) - (x < y);
}

int main(int argc, char **argv) {
  if (argc < 4) { fprintf(stderr, "usage: tlsload echo|full|resumed|https PORT SECONDS …\n"); return 2; }
  const char *names[] = { "echo", "full", "resumed", "https" };
  size_t word = strcspn(argv[1], "1");
  for (int i = 0; i < 4; i++) if (strncmp(argv[1], names[i], word) == 0) mode = i;
  address.sin_family = AF_INET;
  address.sin_port = htons(atoi(argv[2]));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  seconds = atof(argv[3]);
  conns = argc > 4 ? atoi(argv[4]) : 16;
  if (mode == ECHO) { size = strtoull(argv[5], NULL, 10); depth = atoi(argv[6]); }
  message = malloc(READ_BYTES);
  memset(message, 'x', READ_BYTES);
  if (mode == HTTPS) { size = sizeof REQUEST - 1; memcpy(message, REQUEST, size); }
  samples = malloc(SAMPLES * sizeof *samples);
  context = SSL_CTX_new(TLS_client_method());
  if (argv[1][word] != 0) SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_read_ahead(context, 1);
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  // With a cache OpenSSL would let a session be used once only.
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  poll_fd = epoll_create1(0);
  peer *peers = calloc(conns, sizeof *peers);
  begin();
  // One alone first, so that there is a ticket for all others.
  open_peer(&peers[opened++]);
  while (now() < t_end) {
    struct epoll_event events[256];
    int n = epoll_wait(poll_fd, events, 256, 100);
    for (int i = 0; i < n; i++) ready(events[i].data.ptr);
    if (opened < conns && (mode != RESUMED || ticket != NULL)) {
      while (opened < conns) open_peer(&peers[opened++]);
    }
    if (has_begun == 0 && (mode == ECHO || mode == HTTPS)) {
      if (established < conns) { t_end = now() + 10000000000; continue; }
      has_begun = 1;
      begin();
      for (int i = 0; i < conns; i++) { peers[i].began = now(); put(&peers[i]); }
    }
  }
  double took = (now() - t_begin) / 1e9;
  if (count == 0) die("nothing came back");
  qsort(samples, sample_count, sizeof *samples, by_value);
  printf("{\"count\":%llu,\"perSecond\":%.1f,\"p50Us\":%.1f}\n", (unsigned long long)count, count / took, samples[sample_count / 2] / 10.0);
  return 0;
}
