// echo-udp: a UDP echo by recvmmsg and sendmmsg, the quickest that C can do on one socket without offload.
//
//   cc -O2 -o echo-udp echo-udp.c
//   echo-udp PORT
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { BATCH = 64 };

int main(int argc, char **argv) {
  struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(argc > 1 ? atoi(argv[1]) : 0), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
  int fd = socket(AF_INET, SOCK_DGRAM, 0);
  if (fd < 0 || bind(fd, (void *)&at, sizeof at)) { perror("bind"); return 1; }
  printf("READY\n");
  fflush(stdout);
  static char data[BATCH][2048];
  static struct sockaddr_storage from[BATCH];
  struct mmsghdr messages[BATCH];
  struct iovec vectors[BATCH];
  for (;;) {
    for (int i = 0; i < BATCH; i++) {
      vectors[i] = (struct iovec){ data[i], sizeof data[i] };
      messages[i] = (struct mmsghdr){ .msg_hdr = { .msg_name = &from[i], .msg_namelen = sizeof from[i], .msg_iov = &vectors[i], .msg_iovlen = 1 } };
    }
    int n = recvmmsg(fd, messages, BATCH, MSG_WAITFORONE, NULL);
    for (int i = 0; i < n; i++) vectors[i].iov_len = messages[i].msg_len;
    for (int sent = 0; sent < n;) {
      int s = sendmmsg(fd, messages + sent, n - sent, 0);
      if (s < 0) break;
      sent += s;
    }
  }
}
