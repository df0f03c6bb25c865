/*
 * A bad link between two network namespaces, for kernels without netem: two TUN interfaces, and packets that go
 * from one to the other late, and some never.
 *
 *   lossy-link NAME_A NAME_B DELAY_MS LOSS_PERCENT KBYTES_PER_SECOND QUEUE_KBYTES SEED
 *
 * KBYTES_PER_SECOND 0: any rate. Prints READY when both interfaces are there; move them into their namespaces then.
 * Runs until its input ends; then prints how many packets each direction has carried, lost and dropped.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define SLOTS 16384
#define PACKET_BYTES 2048

struct packet { int64_t due_ns; int length; unsigned char bytes[PACKET_BYTES]; };
struct direction {
  int from, to;
  struct packet *ring;
  unsigned head, tail;
  int64_t busy_until_ns;
  uint64_t state;
  long carried, lost, dropped;
};

static int64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static double chance(struct direction *d) {
  d->state ^= d->state << 13; d->state ^= d->state >> 7; d->state ^= d->state << 17;
  return (d->state >> 11) / 9007199254740992.0;
}

static int open_tun(const char *name) {
  struct ifreq request;
  int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK);
  memset(&request, 0, sizeof request);
  request.ifr_flags = IFF_TUN | IFF_NO_PI;
  strncpy(request.ifr_name, name, IFNAMSIZ - 1);
  if (fd < 0 || ioctl(fd, TUNSETIFF, &request) < 0) { perror("lossy-link"); exit(1); }
  return fd;
}

int main(int argc, char **argv) {
  if (argc != 8) { fprintf(stderr, "seven arguments are needed\n"); return 2; }
  int64_t delay_ns = (int64_t)(atof(argv[3]) * 1e6);
  double loss = atof(argv[4]) / 100, bytes_per_ns = atof(argv[5]) / 1e6;
  double queue_bytes = atof(argv[6]) * 1e3;
  int a = open_tun(argv[1]), b = open_tun(argv[2]);
  struct direction directions[2] = {{.from = a, .to = b}, {.from = b, .to = a}};
  for (int i = 0; i < 2; i++) {
    directions[i].ring = calloc(SLOTS, sizeof(struct packet));
    directions[i].state = 0x9e3779b97f4a7c15ULL * (unsigned)(atoi(argv[7]) * 2 + i + 1);
    for (int n = 0; n < 20; n++) chance(&directions[i]);
  }
  puts("READY");
  fflush(stdout);
  for (;;) {
    int64_t now = now_ns(), next = now + 1000000000LL;
    for (int i = 0; i < 2; i++) {
      struct direction *d = &directions[i];
      while (d->head != d->tail && d->ring[d->head % SLOTS].due_ns <= now) {
        struct packet *p = &d->ring[d->head++ % SLOTS];
        if (write(d->to, p->bytes, p->length) == p->length) d->carried++;
      }
      if (d->head != d->tail && d->ring[d->head % SLOTS].due_ns < next) next = d->ring[d->head % SLOTS].due_ns;
    }
    struct pollfd fds[3] = {{a, POLLIN, 0}, {b, POLLIN, 0}, {0, POLLIN, 0}};
    struct timespec wait = {(next - now) / 1000000000LL, (next - now) % 1000000000LL};
    if (ppoll(fds, 3, &wait, NULL) < 0) continue;
    if (fds[2].revents) {
      char byte;
      if (read(0, &byte, 1) <= 0) break;
    }
    for (int i = 0; i < 2; i++) {
      struct direction *d = &directions[i];
      unsigned char bytes[PACKET_BYTES];
      int length;
      while (fds[i].revents && (length = read(d->from, bytes, sizeof bytes)) > 0) {
        now = now_ns();
        if (chance(d) < loss) { d->lost++; continue; }
        int64_t due = now;
        if (bytes_per_ns > 0) {
          int64_t start = d->busy_until_ns > now ? d->busy_until_ns : now;
          if ((start - now) * bytes_per_ns + length > queue_bytes) { d->dropped++; continue; }
          due = d->busy_until_ns = start + (int64_t)(length / bytes_per_ns);
        }
        if (d->tail - d->head == SLOTS) { d->dropped++; continue; }
        struct packet *p = &d->ring[d->tail++ % SLOTS];
        p->due_ns = due + delay_ns;
        p->length = length;
        memcpy(p->bytes, bytes, length);
      }
    }
  }
  for (int i = 0; i < 2; i++) {
    printf("%ld carried, %ld lost, %ld dropped\n", directions[i].carried, directions[i].lost, directions[i].dropped);
  }
  return 0;
}
