/*
 * Segments that KCP's reference in C carries from one end to the other in one thread, without sockets, in a second of
 * processor time, behind half a second of warming up:
 *
 *   kcp-loop BYTES LOSS_PERCENT SECONDS
 *
 * Built with ikcp.c of https://github.com/skywind3000/kcp beside it; bench/questions/kcp.mjs does the same with ours.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "ikcp.h"

#define QUEUE 4096
struct wire { int lengths[QUEUE]; char bytes[QUEUE][1500]; int count; };
static struct wire wires[2];
static uint32_t state = 1;
static double loss;

static int output(const char *buffer, int length, ikcpcb *kcp, void *user) {
  struct wire *wire = user;
  (void)kcp;
  state = state * 1664525u + 1013904223u;
  if ((state >> 8) / 16777216.0 < loss || wire->count == QUEUE) return 0;
  wire->lengths[wire->count] = length;
  memcpy(wire->bytes[wire->count++], buffer, length);
  return 0;
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}

int main(int argc, char **argv) {
  if (argc != 4) return 2;
  int bytes = atoi(argv[1]);
  loss = atof(argv[2]) / 100;
  double start = now(), end = start + 0.5 + atof(argv[3]), used = 0;
  char message[1500], received[4096];
  ikcpcb *sides[2];
  memset(message, 0x61, sizeof message);
  for (int i = 0; i < 2; i++) {
    sides[i] = ikcp_create(1, &wires[i]);
    ikcp_setoutput(sides[i], output);
    ikcp_nodelay(sides[i], 1, 10, 2, 1);
    ikcp_wndsize(sides[i], 128, 128);
    ikcp_setmtu(sides[i], 1400);
  }
  long count = 0;
  for (IUINT32 ms = 0; now() < end; ms += 10) {
    if (used == 0 && now() > start + 0.5) {
      used = clock();
      count = 0;
    }
    while (ikcp_waitsnd(sides[0]) < 128) ikcp_send(sides[0], message, bytes);
    for (int i = 0; i < 2; i++) {
      ikcp_update(sides[i], ms);
      for (int n = 0; n < wires[i].count; n++) ikcp_input(sides[1 - i], wires[i].bytes[n], wires[i].lengths[n]);
      wires[i].count = 0;
      if (i == 0) while (ikcp_recv(sides[1], received, sizeof received) >= 0) count++;
    }
  }
  printf("%.0f\n", count / ((clock() - used) / CLOCKS_PER_SEC));
  return 0;
}
