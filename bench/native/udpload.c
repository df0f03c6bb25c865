// udpload: load for UDP servers, and a sink and a source for one flow.
//
//   cc -O2 -o udpload udpload.c
//   udpload echo PORT PEERS SIZE DEPTH SECONDS    PEERS sockets, each with DEPTH datagrams in flight, to an echo
//   udpload source PORT SIZE SECONDS              one flow by UDP_SEGMENT, as fast as it goes
//   udpload sink SECONDS                          one socket with UDP_GRO; prints READY PORT, then counts
//
// The last line is JSON: datagrams that came back, were sent, or came. Lost datagrams of the echo are sent again
// when nothing has come back on a socket for 100 ms.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/udp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#define UDP_GRO 104
#endif

enum { BATCH = 64, ROOM = 65536 };

static uint64_t now(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return t.tv_sec * 1000000000ull + t.tv_nsec; }
static void die(const char *what) { perror(what); exit(1); }

static struct sockaddr_in loopback(int port) {
  struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
  return a;
}

static int udp(int type) {
  int fd = socket(AF_INET, SOCK_DGRAM | type, 0);
  if (fd < 0) die("socket");
  int bytes = 4 << 20;
  setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
  setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
  return fd;
}

static int echo(int port, int peers, int size, int depth, double seconds) {
  struct rlimit r; getrlimit(RLIMIT_NOFILE, &r); r.rlim_cur = r.rlim_max; setrlimit(RLIMIT_NOFILE, &r);
  struct sockaddr_in to = loopback(port);
  int *fds = calloc(peers, sizeof *fds), *out = calloc(peers, sizeof *out);
  uint64_t *heard = calloc(peers, sizeof *heard);
  int ep = epoll_create1(0);
  for (int i = 0; i < peers; i++) {
    fds[i] = udp(SOCK_NONBLOCK);
    if (connect(fds[i], (void *)&to, sizeof to)) die("connect");
    struct epoll_event e = { .events = EPOLLIN, .data.u32 = i };
    epoll_ctl(ep, EPOLL_CTL_ADD, fds[i], &e);
  }
  static char in[BATCH][2048], data[2048];
  memset(data, 'x', sizeof data);
  struct mmsghdr got[BATCH], give[BATCH];
  struct iovec gi[BATCH], oi = { data, size };
  for (int i = 0; i < BATCH; i++) {
    gi[i] = (struct iovec){ in[i], sizeof in[i] };
    got[i] = (struct mmsghdr){ .msg_hdr = { .msg_iov = &gi[i], .msg_iovlen = 1 } };
    give[i] = (struct mmsghdr){ .msg_hdr = { .msg_iov = &oi, .msg_iovlen = 1 } };
  }
  uint64_t count = 0, lost = 0, start = now(), stop = start + (uint64_t)(seconds * 1e9), looked = start;
  for (int i = 0; i < peers; i++) {
    int n = sendmmsg(fds[i], give, depth, 0);
    out[i] = n > 0 ? n : 0; heard[i] = start;
  }
  struct epoll_event events[256];
  for (;;) {
    uint64_t t = now();
    if (t >= stop) break;
    int n = epoll_wait(ep, events, 256, 20);
    for (int k = 0; k < n; k++) {
      int i = events[k].data.u32;
      int m = recvmmsg(fds[i], got, BATCH, 0, NULL);
      if (m <= 0) continue;
      for (int j = 0; j < m; j++) if (got[j].msg_len == (unsigned)size) count++, out[i]--;
      heard[i] = t;
      int want = depth - out[i];
      if (want > BATCH) want = BATCH;
      int s = want > 0 ? sendmmsg(fds[i], give, want, 0) : 0;
      if (s > 0) out[i] += s;
    }
    if (t - looked < 20000000) continue;
    looked = t;
    for (int i = 0; i < peers; i++) {
      if (t - heard[i] < 100000000) continue;
      lost += out[i];
      int s = sendmmsg(fds[i], give, depth, 0);
      out[i] = s > 0 ? s : 0; heard[i] = t;
    }
  }
  double took = (now() - start) / 1e9;
  printf("{\"count\":%llu,\"lost\":%llu,\"perSecond\":%.0f}\n", (unsigned long long)count, (unsigned long long)lost, count / took);
  return 0;
}

static int source(int port, int size, double seconds) {
  struct sockaddr_in to = loopback(port);
  int fd = udp(0), segment = size, segments = 65507 / size;
  if (segments > 64) segments = 64;
  if (connect(fd, (void *)&to, sizeof to)) die("connect");
  if (setsockopt(fd, SOL_UDP, UDP_SEGMENT, &segment, sizeof segment)) die("UDP_SEGMENT");
  static char data[ROOM];
  memset(data, 'x', sizeof data);
  uint64_t count = 0, start = now(), stop = start + (uint64_t)(seconds * 1e9);
  while (now() < stop) if (send(fd, data, segments * size, 0) > 0) count += segments;
  printf("{\"count\":%llu,\"perSecond\":%.0f}\n", (unsigned long long)count, count / ((now() - start) / 1e9));
  return 0;
}

static int sink(double seconds) {
  struct sockaddr_in at = loopback(0);
  socklen_t length = sizeof at;
  int fd = udp(0), on = 1;
  if (bind(fd, (void *)&at, sizeof at) || getsockname(fd, (void *)&at, &length)) die("bind");
  setsockopt(fd, SOL_UDP, UDP_GRO, &on, sizeof on);
  struct timeval wait = { .tv_usec = 50000 };
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
  printf("READY %d\n", ntohs(at.sin_port));
  fflush(stdout);
  static char data[ROOM], control[64];
  uint64_t count = 0, stop = now() + (uint64_t)(seconds * 1e9);
  while (now() < stop) {
    struct iovec v = { data, sizeof data };
    struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control };
    ssize_t n = recvmsg(fd, &m, 0);
    if (n < 0) continue;
    int segment = 0;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c))
      if (c->cmsg_level == SOL_UDP && c->cmsg_type == UDP_GRO) memcpy(&segment, CMSG_DATA(c), sizeof segment);
    count += segment > 0 ? (n + segment - 1) / segment : 1;
  }
  printf("{\"count\":%llu}\n", (unsigned long long)count);
  return 0;
}

int main(int argc, char **argv) {
  if (argc == 7 && !strcmp(argv[1], "echo")) return echo(atoi(argv[2]), atoi(argv[3]), atoi(argv[4]), atoi(argv[5]), atof(argv[6]));
  if (argc == 5 && !strcmp(argv[1], "source")) return source(atoi(argv[2]), atoi(argv[3]), atof(argv[4]));
  if (argc == 3 && !strcmp(argv[1], "sink")) return sink(atof(argv[2]));
  fprintf(stderr, "udpload echo PORT PEERS SIZE DEPTH SECONDS | source PORT SIZE SECONDS | sink SECONDS\n");
  return 2;
}
