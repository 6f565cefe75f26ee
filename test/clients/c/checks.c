/* The checks of ../README.md with nats.c. */

#include "checks.h"
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ctype.h>
#include <pthread.h>

enum {
  QUEUE_MESSAGES = 300,
  ORDERED_MESSAGES = 1000,
};

static const char *check_name = "";

void fail(const char *format, ...) {
  va_list args;
  va_start(args, format);
  printf("not ok %s: ", check_name);
  vprintf(format, args);
  printf("\n");
  va_end(args);
  exit(1);
}

void must(natsStatus status) {
  if (status != NATS_OK) fail("%s: %s", natsStatus_GetText(status), nats_GetLastError(NULL));
}

void expect(int holds, const char *message) {
  if (!holds) fail("%s", message);
}

void latch_add(Latch *latch) {
  pthread_mutex_lock(&latch->lock);
  latch->count++;
  pthread_cond_broadcast(&latch->changed);
  pthread_mutex_unlock(&latch->lock);
}

void latch_wait(Latch *latch, int count) {
  pthread_mutex_lock(&latch->lock);
  while (latch->count < count) pthread_cond_wait(&latch->changed, &latch->lock);
  pthread_mutex_unlock(&latch->lock);
}

natsConnection *dial(const char *url) {
  natsConnection *nc = NULL;
  must(natsConnection_ConnectTo(&nc, url));
  return nc;
}

static natsSubscription *subscribe(natsConnection *nc, const char *subject) {
  natsSubscription *sub = NULL;
  must(natsConnection_SubscribeSync(&sub, nc, subject));
  must(natsConnection_Flush(nc));
  return sub;
}

static void expect_text(natsSubscription *sub, const char *text) {
  natsMsg *msg = NULL;
  must(natsSubscription_NextMsg(&msg, sub, PATIENCE_MS));
  if ((size_t)natsMsg_GetDataLength(msg) != strlen(text) || memcmp(natsMsg_GetData(msg), text, strlen(text)) != 0)
    fail("got \"%.*s\", not \"%s\"", natsMsg_GetDataLength(msg), natsMsg_GetData(msg), text);
  natsMsg_Destroy(msg);
}

static void publish_subscribe(const char *url, const char *locked) {
  (void)locked;
  natsConnection *publisher = dial(url), *subscriber = dial(url);
  natsSubscription *sub = subscribe(subscriber, "c.plain");
  char text[16];
  for (int i = 0; i < ORDERED_MESSAGES; i++) {
    snprintf(text, sizeof text, "%d", i);
    must(natsConnection_PublishRequestString(publisher, "c.plain", "c.reply", text));
  }
  for (int i = 0; i < ORDERED_MESSAGES; i++) {
    snprintf(text, sizeof text, "%d", i);
    expect_text(sub, text);
  }
  natsSubscription_Destroy(sub);
  natsConnection_Destroy(publisher);
  natsConnection_Destroy(subscriber);
}

static void wildcards(const char *url, const char *locked) {
  (void)locked;
  static const char *const subjects[] = {"c.wild.b", "c.wild.b.c", "c.wild.b.c.d", "c.wild.end.c"};
  natsConnection *nc = dial(url);
  natsSubscription *star = subscribe(nc, "c.wild.*.c"), *tail = subscribe(nc, "c.wild.>");
  for (int i = 0; i < 4; i++) must(natsConnection_PublishString(nc, subjects[i], subjects[i]));
  expect_text(star, "c.wild.b.c");
  expect_text(star, "c.wild.end.c");
  for (int i = 0; i < 4; i++) expect_text(tail, subjects[i]);
  natsSubscription_Destroy(star);
  natsSubscription_Destroy(tail);
  natsConnection_Destroy(nc);
}

static Latch shared = LATCH;

static void on_shared(natsConnection *nc, natsSubscription *sub, natsMsg *msg, void *count) {
  (void)nc, (void)sub;
  atomic_fetch_add((atomic_int *)count, 1);
  natsMsg_Destroy(msg);
  latch_add(&shared);
}

static void queue_group(const char *url, const char *locked) {
  (void)locked;
  atomic_int counts[2] = {0, 0};
  natsConnection *publisher = dial(url), *members[2];
  natsSubscription *subs[2];
  for (int i = 0; i < 2; i++) {
    members[i] = dial(url);
    must(natsConnection_QueueSubscribe(&subs[i], members[i], "c.queue", "workers", on_shared, &counts[i]));
    must(natsConnection_Flush(members[i]));
  }
  for (int i = 0; i < QUEUE_MESSAGES; i++) must(natsConnection_PublishString(publisher, "c.queue", ""));
  latch_wait(&shared, QUEUE_MESSAGES);
  for (int i = 0; i < 2; i++) must(natsConnection_Flush(members[i]));
  expect(counts[0] + counts[1] == QUEUE_MESSAGES, "some came twice");
  expect(counts[0] > QUEUE_MESSAGES / 6 && counts[1] > QUEUE_MESSAGES / 6, "shared unfairly");
  for (int i = 0; i < 2; i++) {
    natsSubscription_Destroy(subs[i]);
    natsConnection_Destroy(members[i]);
  }
  natsConnection_Destroy(publisher);
}

static void headers(const char *url, const char *locked) {
  (void)locked;
  natsConnection *nc = dial(url);
  natsSubscription *sub = subscribe(nc, "c.headers");
  natsMsg *msg = NULL;
  must(natsMsg_Create(&msg, "c.headers", NULL, "body", 4));
  must(natsMsgHeader_Add(msg, "fruit", "apple"));
  must(natsMsgHeader_Add(msg, "fruit", "pear"));
  must(natsConnection_PublishMsg(nc, msg));
  natsMsg_Destroy(msg);
  must(natsSubscription_NextMsg(&msg, sub, PATIENCE_MS));
  const char **values = NULL;
  int count = 0;
  must(natsMsgHeader_Values(msg, "fruit", &values, &count));
  expect(count == 2 && strcmp(values[0], "apple") == 0 && strcmp(values[1], "pear") == 0, "wrong headers");
  expect(natsMsg_GetDataLength(msg) == 4 && memcmp(natsMsg_GetData(msg), "body", 4) == 0, "wrong body");
  free((void *)values);
  natsMsg_Destroy(msg);
  natsSubscription_Destroy(sub);
  natsConnection_Destroy(nc);
}

static void on_upper(natsConnection *nc, natsSubscription *sub, natsMsg *msg, void *closure) {
  (void)sub, (void)closure;
  char answer[16];
  int length = natsMsg_GetDataLength(msg);
  for (int i = 0; i < length && i < (int)sizeof answer; i++)
    answer[i] = (char)toupper((unsigned char)natsMsg_GetData(msg)[i]);
  must(natsConnection_Publish(nc, natsMsg_GetReply(msg), answer, length));
  natsMsg_Destroy(msg);
}

static void request(const char *url, const char *locked) {
  (void)locked;
  for (int old_style = 0; old_style < 2; old_style++) {
    natsOptions *options = NULL;
    natsConnection *responder = dial(url), *nc = NULL;
    natsSubscription *sub = NULL;
    must(natsConnection_Subscribe(&sub, responder, "c.upper", on_upper, NULL));
    must(natsConnection_Flush(responder));
    must(natsOptions_Create(&options));
    must(natsOptions_SetURL(options, url));
    must(natsOptions_UseOldRequestStyle(options, old_style != 0));
    must(natsConnection_Connect(&nc, options));
    for (int i = 0; i < 100; i++) {
      char question[16], answer[16];
      natsMsg *msg = NULL;
      snprintf(question, sizeof question, "n%d", i);
      snprintf(answer, sizeof answer, "N%d", i);
      must(natsConnection_RequestString(&msg, nc, "c.upper", question, PATIENCE_MS));
      expect(natsMsg_GetDataLength(msg) == (int)strlen(answer) &&
                 memcmp(natsMsg_GetData(msg), answer, strlen(answer)) == 0,
             "wrong answer");
      natsMsg_Destroy(msg);
    }
    natsSubscription_Destroy(sub);
    natsConnection_Destroy(nc);
    natsConnection_Destroy(responder);
    natsOptions_Destroy(options);
  }
}

static void expect_no_responders(natsConnection *nc, const char *subject) {
  natsMsg *msg = NULL;
  natsStatus status = natsConnection_RequestString(&msg, nc, subject, "", PATIENCE_MS);
  if (status != NATS_NO_RESPONDERS) fail("the request on %s: %s", subject, natsStatus_GetText(status));
}

static void no_responders(const char *url, const char *locked) {
  (void)locked;
  natsConnection *nc = dial(url);
  expect_no_responders(nc, "c.nobody");
  natsConnection_Destroy(nc);
}

static void auto_unsubscribe(const char *url, const char *locked) {
  (void)locked;
  natsConnection *nc = dial(url);
  natsSubscription *sub = subscribe(nc, "c.limited");
  natsMsg *msg = NULL;
  must(natsSubscription_AutoUnsubscribe(sub, 2));
  for (const char *text = "12"; *text != '\0'; text++) must(natsConnection_Publish(nc, "c.limited", text, 1));
  must(natsConnection_Flush(nc));
  expect_text(sub, "1");
  expect_text(sub, "2");
  expect(natsSubscription_NextMsg(&msg, sub, PATIENCE_MS) == NATS_MAX_DELIVERED_MSGS, "one more came");
  expect_no_responders(nc, "c.limited");
  natsSubscription_Destroy(sub);
  natsConnection_Destroy(nc);
}

static void max_payload(const char *url, const char *locked) {
  (void)locked;
  natsConnection *nc = dial(url);
  natsSubscription *sub = subscribe(nc, "c.large");
  natsMsg *msg = NULL;
  int size = (int)natsConnection_GetMaxPayload(nc);
  char *payload = malloc((size_t)size + 1);
  for (int i = 0; i <= size; i++) payload[i] = (char)(i * 31 >> 3);
  must(natsConnection_Publish(nc, "c.large", payload, size));
  must(natsSubscription_NextMsg(&msg, sub, PATIENCE_MS));
  expect(natsMsg_GetDataLength(msg) == size && memcmp(natsMsg_GetData(msg), payload, (size_t)size) == 0,
         "payload changed");
  expect(natsConnection_Publish(nc, "c.large", payload, size + 1) == NATS_MAX_PAYLOAD, "more was accepted");
  free(payload);
  natsMsg_Destroy(msg);
  natsSubscription_Destroy(sub);
  natsConnection_Destroy(nc);
}

static void on_work(natsConnection *nc, natsSubscription *sub, natsMsg *msg, void *closure) {
  (void)sub, (void)closure;
  must(natsConnection_Publish(nc, "c.drained", natsMsg_GetData(msg), natsMsg_GetDataLength(msg)));
  natsMsg_Destroy(msg);
}

static void on_event(natsConnection *nc, void *latch) {
  (void)nc;
  latch_add(latch);
}

static void drain(const char *url, const char *locked) {
  (void)locked;
  static Latch closed = LATCH;
  natsOptions *options = NULL;
  natsConnection *publisher = dial(url), *worker = NULL;
  natsSubscription *answers = subscribe(publisher, "c.drained"), *work = NULL;
  must(natsOptions_Create(&options));
  must(natsOptions_SetURL(options, url));
  must(natsOptions_SetClosedCB(options, on_event, &closed));
  must(natsConnection_Connect(&worker, options));
  must(natsConnection_Subscribe(&work, worker, "c.drain", on_work, NULL));
  must(natsConnection_Flush(worker));
  char text[16];
  for (int i = 0; i < 100; i++) {
    snprintf(text, sizeof text, "%d", i);
    must(natsConnection_PublishString(publisher, "c.drain", text));
  }
  must(natsConnection_Flush(publisher));
  must(natsConnection_Drain(worker));
  latch_wait(&closed, 1);
  for (int i = 0; i < 100; i++) {
    snprintf(text, sizeof text, "%d", i);
    expect_text(answers, text);
  }
  natsSubscription_Destroy(work);
  natsSubscription_Destroy(answers);
  natsConnection_Destroy(worker);
  natsConnection_Destroy(publisher);
  natsOptions_Destroy(options);
}

static natsStatus dial_with(const char *url, const char *user, const char *password, const char *token) {
  natsOptions *options = NULL;
  natsConnection *nc = NULL;
  must(natsOptions_Create(&options));
  must(natsOptions_SetURL(options, url));
  if (user != NULL) must(natsOptions_SetUserInfo(options, user, password));
  if (token != NULL) must(natsOptions_SetToken(options, token));
  natsStatus status = natsConnection_Connect(&nc, options);
  natsConnection_Destroy(nc);
  natsOptions_Destroy(options);
  return status;
}

static void auth(const char *open, const char *url) {
  (void)open;
  must(dial_with(url, "ann", "secret", NULL));
  expect(dial_with(url, NULL, NULL, NULL) == NATS_CONNECTION_AUTH_FAILED, "let in without a secret");
  expect(dial_with(url, "ann", "wrong", NULL) == NATS_CONNECTION_AUTH_FAILED, "let in with a wrong password");
  expect(dial_with(url, NULL, NULL, "secret") == NATS_CONNECTION_AUTH_FAILED, "let in with a token");
}

static void reconnect(const char *url, const char *locked) {
  (void)locked;
  static Latch disconnected = LATCH;
  natsOptions *options = NULL;
  natsConnection *nc = NULL;
  must(natsOptions_Create(&options));
  must(natsOptions_SetURL(options, url));
  must(natsOptions_SetMaxReconnect(options, -1));
  must(natsOptions_SetReconnectWait(options, 10));
  must(natsOptions_SetDisconnectedCB(options, on_event, &disconnected));
  must(natsConnection_Connect(&nc, options));
  natsSubscription *sub = subscribe(nc, "c.again");
  printf("stop\n");
  latch_wait(&disconnected, 1);
  must(natsConnection_PublishString(nc, "c.again", "during"));
  printf("start\n");
  expect_text(sub, "during");
  must(natsConnection_PublishString(nc, "c.again", "after"));
  expect_text(sub, "after");
  natsSubscription_Destroy(sub);
  natsConnection_Destroy(nc);
  natsOptions_Destroy(options);
}

static const Check messaging_checks[] = {
    {"publish-subscribe", publish_subscribe},
    {"wildcards", wildcards},
    {"queue-group", queue_group},
    {"headers", headers},
    {"request", request},
    {"no-responders", no_responders},
    {"auto-unsubscribe", auto_unsubscribe},
    {"max-payload", max_payload},
    {"drain", drain},
    {"auth", auth},
    {"reconnect", reconnect},
    {NULL, NULL},
};

int main(int argc, char **argv) {
  if (argc < 3) return 2;
  setvbuf(stdout, NULL, _IOLBF, 0);
  const Check *check = strcmp(argv[1], "jetstream") == 0 ? jetstream_checks : messaging_checks;
  for (; check->name != NULL; check++) {
    check_name = check->name;
    check->run(argv[2], argc > 3 ? argv[3] : "");
    printf("ok %s\n", check_name);
  }
  return 0;
}
