/* What the checks with nats.c have in common. */
#ifndef CHECKS_H
#define CHECKS_H

#include <nats/nats.h>
#include <pthread.h>

enum {
  PATIENCE_MS = 20000, /* used up only when something is lost */
};

/* A check gets the address of an open server and, but for JetStream, of one that wants a user and a password. */
typedef struct {
  const char *name;
  void (*run)(const char *url, const char *locked);
} Check;

/* The last one has no name. */
extern const Check jetstream_checks[];

/* Something that happens once or several times in the client's threads. */
typedef struct {
  pthread_mutex_t lock;
  pthread_cond_t changed;
  int count;
} Latch;

#define LATCH {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0}

void latch_add(Latch *latch);
void latch_wait(Latch *latch, int count);
void fail(const char *format, ...);
void must(natsStatus status);
void expect(int holds, const char *message);
natsConnection *dial(const char *url);

#endif
