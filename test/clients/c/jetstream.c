/* The checks of JetStream in ../README.md with nats.c. */

#include "checks.h"
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
  PUBLISHED = 1000,
  CONSUMED = 300,
  MANY_KEYS = 200,
};

enum {
  STREAM_NOT_FOUND = 10059,
  STREAM_NAME_IN_USE = 10058,
  SUBJECTS_OVERLAP = 10065,
  CONSUMER_NOT_FOUND = 10014,
  MAXIMUM_MESSAGES = 10077,
  MESSAGE_TOO_LARGE = 10054,
  WRONG_LAST_SEQUENCE = 10071,
  WRONG_LAST_MESSAGE_ID = 10070,
  STREAM_MISMATCH = 10060,
  NO_MESSAGE = 10037,
  SECOND_WORKER = 10099,
};

static const int64_t MILLISECOND_NS = 1000000;

/* A connection with JetStream; `code` is that of the last error of its API. */
typedef struct {
  natsConnection *nc;
  jsCtx *js;
  jsErrCode code;
} World;

static World enter(const char *url) {
  World w = {NULL, NULL, 0};
  jsOptions options;
  natsOptions *dialing = NULL;
  must(natsOptions_Create(&dialing));
  must(natsOptions_SetURL(dialing, url));
  must(natsOptions_SetMaxReconnect(dialing, -1));
  must(natsOptions_SetReconnectWait(dialing, 10));
  must(natsConnection_Connect(&w.nc, dialing));
  natsOptions_Destroy(dialing);
  must(jsOptions_Init(&options));
  options.Wait = PATIENCE_MS;
  must(natsConnection_JetStream(&w.js, w.nc, &options));
  return w;
}

static void leave(World *w) {
  jsCtx_Destroy(w->js);
  natsConnection_Destroy(w->nc);
}

/* `status` is of what has just been asked for. */
static void refused(World *w, int code, natsStatus status) {
  if (status == NATS_OK) fail("not refused with %d", code);
  if ((int)w->code != code) fail("refused with %d, not %d: %s", (int)w->code, code, natsStatus_GetText(status));
}

static void expect_number(long long got, long long wanted, const char *what) {
  if (got != wanted) fail("%s: %lld, not %lld", what, got, wanted);
}

static void expect_data(natsMsg *msg, const char *text) {
  if ((size_t)natsMsg_GetDataLength(msg) != strlen(text) || memcmp(natsMsg_GetData(msg), text, strlen(text)) != 0)
    fail("got \"%.*s\", not \"%s\"", natsMsg_GetDataLength(msg), natsMsg_GetData(msg), text);
}

static void expect_text_number(natsMsg *msg, int number) {
  char text[16];
  snprintf(text, sizeof text, "%d", number);
  expect_data(msg, text);
}

/* What a stream of this name and subject is to be; the caller adds to it. */
static jsStreamConfig stream_config(const char *name, const char **subject) {
  jsStreamConfig config;
  must(jsStreamConfig_Init(&config));
  config.Name = name;
  if (subject != NULL) {
    config.Subjects = subject;
    config.SubjectsLen = 1;
  }
  return config;
}

static natsStatus try_add(World *w, jsStreamConfig *config) {
  return js_AddStream(NULL, w->js, config, NULL, &w->code);
}

static void add_stream(World *w, const char *name, const char *subject) {
  jsStreamConfig config = stream_config(name, &subject);
  must(try_add(w, &config));
}

static void put(World *w, const char *subject, const char *text) {
  must(js_Publish(NULL, w->js, subject, text, (int)strlen(text), NULL, &w->code));
}

/* Publishes the numbers from 1 to `count` as text, by turns to `prefix`.0 to `prefix`.(subjects - 1). */
static void put_numbers(World *w, int count, const char *prefix, int subjects) {
  for (int i = 0; i < count; i++) {
    char subject[64], text[16];
    snprintf(subject, sizeof subject, "%s.%d", prefix, i % subjects);
    snprintf(text, sizeof text, "%d", i + 1);
    put(w, subject, text);
  }
}

static jsStreamState state_of(World *w, const char *stream) {
  jsStreamInfo *info = NULL;
  must(js_GetStreamInfo(&info, w->js, stream, NULL, &w->code));
  jsStreamState state = info->State; /* Only its numbers are looked at. */
  jsStreamInfo_Destroy(info);
  return state;
}

static void until_messages(World *w, const char *stream, uint64_t count) {
  while (state_of(w, stream).Msgs != count) nats_Sleep(20);
}

static natsSubscription *pull_from(World *w, const char *subject, const char *durable, jsConsumerConfig *config) {
  natsSubscription *sub = NULL;
  jsSubOptions options;
  must(jsSubOptions_Init(&options));
  if (config != NULL) options.Config = *config;
  must(js_PullSubscribe(&sub, w->js, subject, durable, NULL, &options, &w->code));
  return sub;
}

/* The next message, which the caller destroys. */
static natsMsg *fetch_one(World *w, natsSubscription *sub) {
  natsMsgList list = {NULL, 0};
  must(natsSubscription_Fetch(&list, sub, 1, PATIENCE_MS, &w->code));
  natsMsg *msg = list.Msgs[0];
  list.Msgs[0] = NULL;
  natsMsgList_Destroy(&list);
  return msg;
}

static void confirm(natsMsg *msg) {
  must(natsMsg_AckSync(msg, NULL, NULL));
  natsMsg_Destroy(msg);
}

static void streams(const char *url, const char *locked) {
  (void)locked;
  World w = enter(url);
  const char *subjects[] = {"streams.a", "streams.b.*"}, *all = "streams.*", *none = "none";
  jsStreamConfig config = stream_config("STREAMS", subjects);
  config.Description = "before";
  must(try_add(&w, &config));
  must(try_add(&w, &config)); /* The same again is no error. */
  config.Storage = js_MemoryStorage;
  refused(&w, STREAM_NAME_IN_USE, try_add(&w, &config));
  config.Storage = js_FileStorage;
  jsStreamConfig overlap = stream_config("OVERLAP", &all);
  refused(&w, SUBJECTS_OVERLAP, try_add(&w, &overlap));
  jsStreamInfo *info = NULL;
  expect(js_GetStreamInfo(&info, w.js, "NONE", NULL, &w.code) == NATS_NOT_FOUND, "found what is not there");
  jsStreamConfig missing = stream_config("NONE", &none);
  refused(&w, STREAM_NOT_FOUND, js_UpdateStream(NULL, w.js, &missing, NULL, &w.code));
  config.Description = "after";
  config.SubjectsLen = 2;
  must(js_UpdateStream(&info, w.js, &config, NULL, &w.code));
  expect(strcmp(info->Config->Description, "after") == 0 && info->Config->SubjectsLen == 2, "not updated");
  jsStreamInfo_Destroy(info);
  put_numbers(&w, 6, "streams.b", 3);
  jsOptions options;
  must(jsOptions_Init(&options));
  options.Stream.Info.SubjectsFilter = "streams.b.>";
  must(js_GetStreamInfo(&info, w.js, "STREAMS", &options, &w.code));
  expect_number(info->State.Subjects->Count, 3, "subjects");
  jsStreamInfo_Destroy(info);
  add_stream(&w, "MORE", "more");
  jsStreamNamesList *names = NULL;
  must(js_StreamNames(&names, w.js, NULL, &w.code));
  expect_number(names->Count, 2, "streams' names");
  jsStreamNamesList_Destroy(names);
  jsAccountInfo *account = NULL;
  must(js_GetAccountInfo(&account, w.js, NULL, &w.code));
  expect_number(account->Streams, 2, "streams of the account");
  jsAccountInfo_Destroy(account);
  must(js_DeleteStream(w.js, "STREAMS", NULL, &w.code));
  must(js_DeleteStream(w.js, "MORE", NULL, &w.code));
  refused(&w, STREAM_NOT_FOUND, js_DeleteStream(w.js, "MORE", NULL, &w.code));
  leave(&w);
}

static void publish(const char *url, const char *locked) {
  (void)locked;
  World w = enter(url);
  const char *subject = "publish.*";
  jsStreamConfig config = stream_config("PUBLISH", &subject);
  config.MaxMsgSize = 1000;
  must(try_add(&w, &config));
  jsPubAck *ack = NULL;
  for (int i = 1; i <= 20; i++) {
    must(js_Publish(&ack, w.js, "publish.a", "x", 1, NULL, &w.code));
    expect(strcmp(ack->Stream, "PUBLISH") == 0 && !ack->Duplicate, "wrong ack");
    expect_number((long long)ack->Sequence, i, "sequence");
    jsPubAck_Destroy(ack);
  }
  for (int again = 0; again < 2; again++) {
    jsPubOptions once;
    must(jsPubOptions_Init(&once));
    once.MsgId = "one";
    must(js_Publish(&ack, w.js, "publish.b", "x", 1, &once, &w.code));
    expect(ack->Duplicate == (again == 1) && ack->Sequence == 21, "wrong ack of a duplicate");
    jsPubAck_Destroy(ack);
  }
  jsPubOptions wrong[4];
  for (int i = 0; i < 4; i++) must(jsPubOptions_Init(&wrong[i]));
  wrong[0].ExpectStream = "OTHER";
  wrong[1].ExpectLastMsgId = "two";
  wrong[2].ExpectLastSeq = 20;
  wrong[3].ExpectNoMessage = true;
  int codes[] = {STREAM_MISMATCH, WRONG_LAST_MESSAGE_ID, WRONG_LAST_SEQUENCE, WRONG_LAST_SEQUENCE};
  for (int i = 0; i < 4; i++)
    refused(&w, codes[i], js_Publish(NULL, w.js, "publish.a", "x", 1, &wrong[i], &w.code));
  static const char large[2000];
  refused(&w, MESSAGE_TOO_LARGE, js_Publish(NULL, w.js, "publish.a", large, sizeof large, NULL, &w.code));
  expect(js_Publish(NULL, w.js, "nobody.a", "x", 1, NULL, &w.code) == NATS_NO_RESPONDERS, "somebody took it");
  leave(&w);
}

static atomic_int async_faults;

static void on_async_fault(jsCtx *js, jsPubAckErr *fault, void *closure) {
  (void)js, (void)closure;
  if ((int)fault->ErrCode == WRONG_LAST_SEQUENCE) atomic_fetch_add(&async_faults, 1);
}

static void publish_async(const char *url, const char *locked) {
  (void)locked;
  World w = enter(url);
  add_stream(&w, "ASYNC", "async");
  jsOptions options;
  jsCtx *js = NULL;
  must(jsOptions_Init(&options));
  options.PublishAsync.ErrHandler = on_async_fault;
  must(natsConnection_JetStream(&js, w.nc, &options));
  for (int i = 0; i < PUBLISHED; i++) must(js_PublishAsync(js, "async", "x", 1, NULL));
  jsPubOptions wrong;
  must(jsPubOptions_Init(&wrong));
  wrong.ExpectLastSeq = 3;
  must(js_PublishAsync(js, "async", "x", 1, &wrong));
  jsPubOptions patient;
  must(jsPubOptions_Init(&patient));
  patient.MaxWait = PATIENCE_MS;
  must(js_PublishAsyncComplete(js, &patient));
  expect_number(async_faults, 1, "faults");
  expect_number((long long)state_of(&w, "ASYNC").Msgs, PUBLISHED, "messages");
  jsCtx_Destroy(js);
  leave(&w);
}

static void messages(const char *url, const char *locked) {
  (void)locked;
  World w = enter(url);
  const char *subject = "messages.*";
  jsStreamConfig config = stream_config("MESSAGES", &subject);
  config.AllowDirect = true;
  must(try_add(&w, &config));
  put_numbers(&w, 10, "messages", 4);
  natsMsg *msg = NULL;
  must(js_GetMsg(&msg, w.js, "MESSAGES", 5, NULL, &w.code));
  expect_data(msg, "5");
  expect(strcmp(natsMsg_GetSubject(msg), "messages.0") == 0, "wrong subject");
  natsMsg_Destroy(msg);
  must(js_GetLastMsg(&msg, w.js, "MESSAGES", "messages.1", NULL, &w.code));
  expect_data(msg, "10");
  natsMsg_Destroy(msg);
  refused(&w, NO_MESSAGE, js_GetMsg(&msg, w.js, "MESSAGES", 99, NULL, &w.code));
  jsDirectGetMsgOptions direct;
  must(jsDirectGetMsgOptions_Init(&direct));
  direct.Sequence = 3;
  direct.NextBySubject = "messages.1";
  must(js_DirectGetMsg(&msg, w.js, "MESSAGES", NULL, &direct));
  expect_data(msg, "6");
  expect_number((long long)natsMsg_GetSequence(msg), 6, "sequence");
  natsMsg_Destroy(msg);
  must(jsDirectGetMsgOptions_Init(&direct));
  direct.LastBySubject = "messages.none";
  expect(js_DirectGetMsg(&msg, w.js, "MESSAGES", NULL, &direct) == NATS_NOT_FOUND, "found what is not there");
  must(js_DeleteMsg(w.js, "MESSAGES", 2, NULL, &w.code));
  must(js_EraseMsg(w.js, "MESSAGES", 3, NULL, &w.code));
  expect(js_DeleteMsg(w.js, "MESSAGES", 3, NULL, &w.code) != NATS_OK, "deleted twice");
  expect_number((long long)state_of(&w, "MESSAGES").NumDeleted, 2, "deleted");
  jsOptions options;
  must(jsOptions_Init(&options));
  options.Stream.Purge.Subject = "messages.0";
  options.Stream.Purge.Keep = 1;
  must(js_PurgeStream(w.js, "MESSAGES", &options, &w.code));
  expect_number((long long)state_of(&w, "MESSAGES").Msgs, 6, "messages");
  must(js_PurgeStream(w.js, "MESSAGES", NULL, &w.code));
  jsStreamState state = state_of(&w, "MESSAGES");
  expect(state.FirstSeq == 11 && state.LastSeq == 10 && state.Msgs == 0, "not empty");
  leave(&w);
}

static void pull(const char *url, const char *locked) {
  (void)locked;
  World w = enter(url);
  add_stream(&w, "PULL", "pull.*");
  put_numbers(&w, CONSUMED, "pull", 2);
  natsSubscription *sub = pull_from(&w, "pull.*", "d", NULL);
  for (int got = 0; got < CONSUMED;) {
    natsMsgList list = {NULL, 0};
    must(natsSubscription_Fetch(&list, sub, 50, PATIENCE_MS, &w.code));
    for (int i = 0; i < list.Count; i++) {
      expect_text_number(list.Msgs[i], ++got);
      must(natsMsg_Ack(list.Msgs[i], NULL));
    }
    natsMsgList_Destroy(&list);
  }
  natsMsgList list = {NULL, 0};
  expect(natsSubscription_Fetch(&list, sub, 1, 300, &w.code) == NATS_TIMEOUT, "one more came");
  natsSubscription_Destroy(sub);
  jsConsumerConfig config;
  must(jsConsumerConfig_Init(&config));
  config.DeliverPolicy = js_DeliverByStartSequence;
  config.OptStartSeq = 30;
  sub = pull_from(&w, "pull.1", "from", &config);
  natsMsg *msg = fetch_one(&w, sub);
  expect_data(msg, "30");
  natsMsg_Destroy(msg);
  natsSubscription_Destroy(sub);
  jsConsumerInfo *info = NULL;
  must(js_GetConsumerInfo(&info, w.js, "PULL", "from", NULL, &w.code));
  expect(info->NumAckPending == 1 && info->Delivered.Stream == 30, "wrong state of the consumer");
  jsConsumerInfo_Destroy(info);
  expect(js_GetConsumerInfo(&info, w.js, "PULL", "none", NULL, &w.code) == NATS_NOT_FOUND, "found what is not there");
  jsConsumerNamesList *names = NULL;
  must(js_ConsumerNames(&names, w.js, "PULL", NULL, &w.code));
  expect_number(names->Count, 2, "consumers");
  jsConsumerNamesList_Destroy(names);
  must(js_DeleteConsumer(w.js, "PULL", "from", NULL, &w.code));
  refused(&w, CONSUMER_NOT_FOUND, js_DeleteConsumer(w.js, "PULL", "from", NULL, &w.code));
  leave(&w);
}

static Latch shared = LATCH;

static void on_shared(natsConnection *nc, natsSubscription *sub, natsMsg *msg, void *count) {
  (void)nc, (void)sub;
  atomic_fetch_add((atomic_int *)count, 1);
  natsMsg_Destroy(msg); /* The client acknowledges it itself. */
  latch_add(&shared);
}

static void push(const char *url, const char *locked) {
  (void)locked;
  World w = enter(url);
  add_stream(&w, "PUSH", "push.*");
  put_numbers(&w, CONSUMED, "push", 1);
  jsSubOptions options;
  must(jsSubOptions_Init(&options));
  options.Config.Durable = "p";
  options.Config.FlowControl = true;
  options.Config.Heartbeat = 1000 * MILLISECOND_NS;
  natsSubscription *sub = NULL, *members[2];
  must(js_SubscribeSync(&sub, w.js, "push.*", NULL, &options, &w.code));
  for (int i = 1; i <= CONSUMED; i++) {
    natsMsg *msg = NULL;
    must(natsSubscription_NextMsg(&msg, sub, PATIENCE_MS));
    expect_text_number(msg, i);
    must(natsMsg_Ack(msg, NULL));
    natsMsg_Destroy(msg);
  }
  natsSubscription_Destroy(sub);
  atomic_int counts[2] = {0, 0};
  must(jsSubOptions_Init(&options));
  options.Queue = "workers";
  options.Config.DeliverPolicy = js_DeliverNew;
  for (int i = 0; i < 2; i++)
    must(js_Subscribe(&members[i], w.js, "push.*", on_shared, &counts[i], NULL, &options, &w.code));
  put_numbers(&w, CONSUMED, "push", 1);
  latch_wait(&shared, CONSUMED);
  expect(counts[0] > 0 && counts[1] > 0, "shared unfairly");
  for (int i = 0; i < 2; i++) natsSubscription_Destroy(members[i]);
  leave(&w);
}

static void ordered(const char *url, const char *locked) {
  (void)locked;
  World w = enter(url);
  add_stream(&w, "ORDERED", "ordered.*");
  put_numbers(&w, CONSUMED, "ordered", 2);
  jsSubOptions options;
  must(jsSubOptions_Init(&options));
  options.Ordered = true;
  natsSubscription *sub = NULL;
  must(js_SubscribeSync(&sub, w.js, "ordered.*", NULL, &options, &w.code));
  for (int i = 1; i <= CONSUMED; i++) {
    natsMsg *msg = NULL;
    must(natsSubscription_NextMsg(&msg, sub, PATIENCE_MS));
    expect_text_number(msg, i);
    natsMsg_Destroy(msg);
  }
  natsSubscription_Destroy(sub);
  leave(&w);
}

/* The next message, whose place, deliveries and messages behind it are as wanted. */
static natsMsg *delivery(World *w, natsSubscription *sub, int sequence, int delivered, int pending) {
  natsMsg *msg = fetch_one(w, sub);
  jsMsgMetaData *meta = NULL;
  must(natsMsg_GetMetaData(&meta, msg));
  expect_number((long long)meta->Sequence.Stream, sequence, "sequence");
  expect_number((long long)meta->NumDelivered, delivered, "deliveries");
  expect_number((long long)meta->NumPending, pending, "pending");
  jsMsgMetaData_Destroy(meta);
  return msg;
}

static void acks(const char *url, const char *locked) {
  (void)locked;
  World w = enter(url);
  add_stream(&w, "ACKS", "acks.*");
  put_numbers(&w, 4, "acks", 1);
  jsConsumerConfig config;
  must(jsConsumerConfig_Init(&config));
  config.AckWait = 1000 * MILLISECOND_NS;
  config.MaxAckPending = 1;
  config.MaxDeliver = 5;
  natsSubscription *sub = pull_from(&w, "acks.*", "d", &config);
  natsMsg *msg = delivery(&w, sub, 1, 1, 3);
  must(natsMsg_Nak(msg, NULL));
  natsMsg_Destroy(msg);
  msg = delivery(&w, sub, 1, 2, 3);
  int64_t started = nats_Now();
  must(natsMsg_NakWithDelay(msg, 300, NULL));
  natsMsg_Destroy(msg);
  msg = delivery(&w, sub, 1, 3, 3);
  expect(nats_Now() - started >= 300, "redelivered too early");
  for (int i = 0; i < 5; i++) { /* More than its time to be acknowledged. */
    nats_Sleep(300);
    must(natsMsg_InProgress(msg, NULL));
  }
  confirm(msg);
  natsMsg_Destroy(delivery(&w, sub, 2, 1, 2));
  msg = delivery(&w, sub, 2, 2, 2); /* Since the acknowledgement did not come in time. */
  must(natsMsg_Term(msg, NULL));
  natsMsg_Destroy(msg);
  confirm(delivery(&w, sub, 3, 1, 1));
  confirm(delivery(&w, sub, 4, 1, 0));
  jsConsumerInfo *info = NULL;
  must(js_GetConsumerInfo(&info, w.js, "ACKS", "d", NULL, &w.code));
  expect(info->AckFloor.Stream == 4 && info->NumAckPending == 0 && info->Delivered.Consumer == 7, "wrong state");
  jsConsumerInfo_Destroy(info);
  natsSubscription_Destroy(sub);
  leave(&w);
}

static void retention(const char *url, const char *locked) {
  (void)locked;
  World w = enter(url);
  const char *full = "full", *last = "last.*", *work = "work.*", *interest = "interest", *aged = "aged.*";
  jsStreamConfig config = stream_config("FULL", &full);
  config.MaxMsgs = 1;
  config.Discard = js_DiscardNew;
  must(try_add(&w, &config));
  put(&w, "full", "1");
  refused(&w, MAXIMUM_MESSAGES, js_Publish(NULL, w.js, "full", "2", 1, NULL, &w.code));
  config = stream_config("LAST", &last);
  config.MaxMsgsPerSubject = 2;
  must(try_add(&w, &config));
  put_numbers(&w, 9, "last", 3);
  expect_number((long long)state_of(&w, "LAST").Msgs, 6, "messages");
  config = stream_config("WORK", &work);
  config.Retention = js_WorkQueuePolicy;
  must(try_add(&w, &config));
  put_numbers(&w, 10, "work", 1);
  natsSubscription *sub = pull_from(&w, "work.*", "worker", NULL);
  for (int i = 0; i < 4; i++) confirm(fetch_one(&w, sub));
  natsSubscription_Destroy(sub);
  expect_number((long long)state_of(&w, "WORK").Msgs, 6, "messages");
  jsConsumerConfig second;
  must(jsConsumerConfig_Init(&second));
  second.Durable = "second";
  second.AckPolicy = js_AckExplicit;
  refused(&w, SECOND_WORKER, js_AddConsumer(NULL, w.js, "WORK", &second, NULL, &w.code));
  config = stream_config("INTEREST", &interest);
  config.Retention = js_InterestPolicy;
  must(try_add(&w, &config));
  put(&w, "interest", "nobody");
  expect_number((long long)state_of(&w, "INTEREST").Msgs, 0, "messages");
  natsSubscription *both[2] = {pull_from(&w, "interest", "a", NULL), pull_from(&w, "interest", "b", NULL)};
  put(&w, "interest", "both");
  for (int i = 0; i < 2; i++) {
    confirm(fetch_one(&w, both[i]));
    expect_number((long long)state_of(&w, "INTEREST").Msgs, 1 - i, "messages");
    natsSubscription_Destroy(both[i]);
  }
  config = stream_config("AGED", &aged);
  config.MaxAge = 200 * MILLISECOND_NS;
  must(try_add(&w, &config));
  put_numbers(&w, 3, "aged", 1);
  until_messages(&w, "AGED", 0);
  leave(&w);
}

/* Wants an update of `key`, or, with NULL, the end of what was there. */
static void expect_update(kvWatcher *watcher, kvOperation operation, const char *key, uint64_t revision) {
  kvEntry *entry = NULL;
  must(kvWatcher_Next(&entry, watcher, PATIENCE_MS));
  if (key == NULL) return expect(entry == NULL, "the end did not come");
  expect(entry != NULL && strcmp(kvEntry_Key(entry), key) == 0, "another key");
  expect(kvEntry_Operation(entry) == operation && kvEntry_Revision(entry) == revision, "another update");
  kvEntry_Destroy(entry);
}

static void expect_value(natsStatus status, kvEntry *entry, const char *value) {
  must(status);
  expect(strcmp(kvEntry_ValueString(entry), value) == 0, value);
  kvEntry_Destroy(entry);
}

static void key_value(const char *url, const char *locked) {
  (void)locked;
  World w = enter(url);
  kvConfig config;
  kvStore *kv = NULL;
  kvEntry *entry = NULL;
  kvWatcher *watcher = NULL;
  uint64_t revision = 0;
  must(kvConfig_Init(&config));
  config.Bucket = "kv";
  config.History = 5;
  config.MaxValueSize = 1000;
  must(js_CreateKeyValue(&kv, w.js, &config));
  expect(kvStore_Get(&entry, kv, "none") == NATS_NOT_FOUND, "found what is not there");
  must(kvStore_PutString(&revision, kv, "a", "1"));
  must(kvStore_UpdateString(&revision, kv, "a", "2", 1));
  expect_number((long long)revision, 2, "revision");
  expect(kvStore_UpdateString(&revision, kv, "a", "x", 1) != NATS_OK, "updated a wrong revision");
  expect(kvStore_CreateString(&revision, kv, "a", "x") != NATS_OK, "created what was there");
  must(kvStore_CreateString(&revision, kv, "b.c", "3"));
  expect_number((long long)revision, 3, "revision");
  natsStatus status = kvStore_Get(&entry, kv, "a");
  expect_value(status, entry, "2");
  status = kvStore_GetRevision(&entry, kv, "a", 1);
  expect_value(status, entry, "1");
  static const char large[2000];
  expect(kvStore_Put(&revision, kv, "large", large, sizeof large) != NATS_OK, "took a large value");
  must(kvStore_WatchAll(&watcher, kv, NULL));
  expect_update(watcher, kvOp_Put, "a", 2);
  expect_update(watcher, kvOp_Put, "b.c", 3);
  expect_update(watcher, kvOp_Put, NULL, 0);
  must(kvStore_Delete(kv, "a"));
  must(kvStore_Purge(kv, "b.c", NULL));
  expect_update(watcher, kvOp_Delete, "a", 4);
  expect_update(watcher, kvOp_Purge, "b.c", 5);
  kvWatcher_Destroy(watcher);
  expect(kvStore_Get(&entry, kv, "a") == NATS_NOT_FOUND, "found what is deleted");
  must(kvStore_CreateString(&revision, kv, "a", "again"));
  expect_number((long long)revision, 6, "revision");
  kvEntryList history = {NULL, 0};
  must(kvStore_History(&history, kv, "a", NULL));
  expect_number(history.Count, 4, "revisions");
  kvEntryList_Destroy(&history);
  must(kvStore_PurgeDeletes(kv, NULL));
  for (int i = 0; i < MANY_KEYS; i++) {
    char key[16];
    snprintf(key, sizeof key, "many.%d", i);
    must(kvStore_PutString(&revision, kv, key, key));
  }
  kvKeysList keys = {NULL, 0};
  must(kvStore_Keys(&keys, kv, NULL));
  expect_number(keys.Count, MANY_KEYS + 1, "keys");
  kvKeysList_Destroy(&keys);
  kvStore_Destroy(kv);
  must(js_DeleteKeyValue(w.js, "kv"));
  leave(&w);
}

static void mirrors_sources(const char *url, const char *locked) {
  (void)locked;
  World w = enter(url);
  jsStreamSource north, filtered, south;
  jsStreamSource *sources[] = {&filtered, &south};
  add_stream(&w, "north", "north.*");
  add_stream(&w, "south", "south.*");
  put_numbers(&w, 6, "north", 3);
  put_numbers(&w, 6, "south", 3);
  must(jsStreamSource_Init(&north));
  must(jsStreamSource_Init(&filtered));
  must(jsStreamSource_Init(&south));
  north.Name = filtered.Name = "north";
  filtered.FilterSubject = "north.1";
  south.Name = "south";
  jsStreamConfig mirror = stream_config("MIRROR", NULL), sourced = stream_config("SOURCED", NULL);
  mirror.Mirror = &north;
  sourced.Sources = sources;
  sourced.SourcesLen = 2;
  must(try_add(&w, &mirror));
  must(try_add(&w, &sourced));
  until_messages(&w, "MIRROR", 6);
  until_messages(&w, "SOURCED", 8);
  put(&w, "north.1", "more");
  until_messages(&w, "MIRROR", 7);
  until_messages(&w, "SOURCED", 9);
  leave(&w);
}

static void restart(const char *url, const char *locked) {
  (void)locked;
  World w = enter(url);
  add_stream(&w, "RESTART", "restart.*");
  jsConsumerConfig config;
  must(jsConsumerConfig_Init(&config));
  config.AckWait = 3600 * 1000 * MILLISECOND_NS;
  natsSubscription *sub = pull_from(&w, "restart.*", "d", &config);
  put_numbers(&w, 90, "restart", 3);
  for (int i = 0; i < 40; i++) confirm(fetch_one(&w, sub));
  natsMsg_Destroy(fetch_one(&w, sub)); /* Not acknowledged, and not again before an hour has passed. */
  jsPubOptions once;
  jsPubAck *ack = NULL;
  must(jsPubOptions_Init(&once));
  once.MsgId = "kept";
  must(js_Publish(NULL, w.js, "restart.9", "x", 1, &once, &w.code));
  printf("stop\n");
  while (natsConnection_Status(w.nc) == NATS_CONN_STATUS_CONNECTED) nats_Sleep(10);
  printf("start\n");
  while (natsConnection_Status(w.nc) != NATS_CONN_STATUS_CONNECTED) nats_Sleep(10);
  must(js_Publish(&ack, w.js, "restart.9", "x", 1, &once, &w.code));
  expect(ack->Duplicate, "the message's id is forgotten");
  jsPubAck_Destroy(ack);
  jsStreamState state = state_of(&w, "RESTART");
  expect(state.Msgs == 91 && state.FirstSeq == 1, "messages are lost");
  jsConsumerInfo *info = NULL;
  must(js_GetConsumerInfo(&info, w.js, "RESTART", "d", NULL, &w.code));
  expect(info->AckFloor.Stream == 40 && info->NumAckPending == 1 && info->NumPending == 50, "wrong state");
  jsConsumerInfo_Destroy(info);
  natsMsg *msg = fetch_one(&w, sub);
  expect_data(msg, "42");
  natsMsg_Destroy(msg);
  natsSubscription_Destroy(sub);
  leave(&w);
}

const Check jetstream_checks[] = {
    {"streams", streams},
    {"publish", publish},
    {"publish-async", publish_async},
    {"messages", messages},
    {"pull", pull},
    {"push", push},
    {"ordered", ordered},
    {"acks", acks},
    {"retention", retention},
    {"key-value", key_value},
    {"mirrors-sources", mirrors_sources},
    {"restart", restart},
    {NULL, NULL},
};
