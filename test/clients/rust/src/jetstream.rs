//! The checks of JetStream in ../README.md with async-nats.

use std::time::Duration;

use async_nats::jetstream::consumer::{
    AckPolicy, Consumer, DeliverPolicy, PullConsumer, PushConsumer, pull, push,
};
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::stream::{
    Config, DiscardPolicy, RetentionPolicy, Source, State, StorageType, Stream, SubjectTransform,
};
use async_nats::jetstream::{self, AckKind, Context, ErrorCode, Message, kv, object_store};
use futures_util::{StreamExt, TryStreamExt};
use tokio::time::{sleep, timeout};

use crate::{Outcome, PATIENCE, expect};

type Fault = Box<dyn std::error::Error>;

const PUBLISHED: usize = 1000;
const CONSUMED: usize = 500;
const MANY_KEYS: usize = 300;

async fn connect(url: &str) -> Result<Context, Fault> {
    let client = async_nats::ConnectOptions::new()
        .reconnect_delay_callback(|_| Duration::from_millis(10))
        .connect(url)
        .await?;
    let mut context = jetstream::new(client);
    context.set_timeout(PATIENCE);
    Ok(context)
}

fn expect_equal<T: PartialEq + std::fmt::Debug>(got: T, wanted: T) -> Outcome {
    let holds = got == wanted;
    expect(holds, format!("got {got:?}, not {wanted:?}"))
}

/// Wants an error that an error of the API with this number brought about.
fn refused<T, E>(result: Result<T, E>, code: ErrorCode) -> Outcome
where
    E: std::error::Error + 'static,
{
    let Err(error) = result else {
        return Err(format!("not refused with {code:?}").into());
    };
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(&error);
    while let Some(at) = cause {
        if let Some(fault) = at.downcast_ref::<jetstream::Error>() {
            return expect_equal(fault.error_code(), code);
        }
        cause = at.source();
    }
    // Some errors only show what they are made of.
    let text = format!("{error:?}");
    expect(
        text.contains(&format!("{}", code.0)) || text.contains(&format!("{code:?}")),
        format!("{text}, not {code:?}"),
    )
}

fn fails<T, E>(result: Result<T, E>) -> Outcome {
    expect(result.is_err(), "no error".into())
}

fn config(name: &str, subject: &str) -> Config {
    Config {
        name: name.into(),
        subjects: vec![subject.into()],
        ..Default::default()
    }
}

/// Publishes the numbers from 1 to `count` as text, by turns to the subjects.
async fn publish_numbers(js: &Context, count: usize, subjects: &[&'static str]) -> Outcome {
    for i in 0..count {
        let subject = subjects[i % subjects.len()];
        js.publish(subject, (i + 1).to_string().into())
            .await?
            .await?;
    }
    Ok(())
}

async fn state(stream: &Stream) -> Result<State, Fault> {
    Ok(stream.get_info().await?.state)
}

async fn until_messages(stream: &Stream, count: u64) -> Outcome {
    while state(stream).await?.messages != count {
        sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

async fn pull_consumer(stream: &Stream, config: pull::Config) -> Result<PullConsumer, Fault> {
    Ok(stream.create_consumer(config).await?)
}

fn durable(name: &str) -> pull::Config {
    pull::Config {
        durable_name: Some(name.into()),
        ..Default::default()
    }
}

/// A batch of messages, not acknowledged.
async fn fetch(consumer: &PullConsumer, count: usize) -> Result<Vec<Message>, Fault> {
    let batch = consumer.batch().max_messages(count).expires(PATIENCE);
    let messages: Vec<Message> = batch
        .messages()
        .await?
        .try_collect()
        .await
        .map_err(|e| e as Fault)?;
    Ok(messages)
}

async fn fetch_one(consumer: &PullConsumer) -> Result<Message, Fault> {
    Ok(fetch(consumer, 1).await?.pop().ok_or("no message came")?)
}

fn texts(messages: &[Message]) -> Vec<String> {
    messages
        .iter()
        .map(|message| String::from_utf8_lossy(&message.payload).into())
        .collect()
}

fn numbers(first: usize, last: usize, step: usize) -> Vec<String> {
    (first..=last)
        .step_by(step)
        .map(|i| i.to_string())
        .collect()
}

async fn confirm(message: &Message) -> Outcome {
    message.double_ack().await.map_err(|error| error as Fault)
}

async fn acknowledge(message: &Message, kind: AckKind) -> Outcome {
    message.ack_with(kind).await.map_err(|error| error as Fault)
}

pub async fn streams(url: &str) -> Outcome {
    let js = connect(url).await?;
    let first = Config {
        description: Some("before".into()),
        metadata: [("owner".to_string(), "ann".to_string())].into(),
        ..config("STREAMS", "streams.a")
    };
    let stream = js.create_stream(&first).await?;
    expect_equal(
        stream.cached_info().config.metadata["owner"].as_str(),
        "ann",
    )?;
    js.create_stream(&first).await?; // The same again is no error.
    let other = Config {
        storage: StorageType::Memory,
        ..first.clone()
    };
    refused(js.create_stream(other).await, ErrorCode::STREAM_NAME_EXIST)?;
    refused(
        js.create_stream(config("OVERLAP", "streams.*")).await,
        ErrorCode::STREAM_SUBJECT_OVERLAP,
    )?;
    refused(js.get_stream("NONE").await, ErrorCode::STREAM_NOT_FOUND)?;
    let changed = Config {
        description: Some("after".into()),
        subjects: vec!["streams.a".into(), "streams.b.*".into()],
        ..first
    };
    let updated = js.update_stream(&changed).await?;
    expect_equal(updated.config.description.as_deref(), Some("after"))?;
    expect_equal(
        js.stream_by_subject("streams.b.c").await?.as_str(),
        "STREAMS",
    )?;
    publish_numbers(&js, 6, &["streams.a", "streams.b.1", "streams.b.2"]).await?;
    let mut subjects: Vec<(String, usize)> = stream
        .info_with_subjects("streams.b.>")
        .await?
        .try_collect()
        .await?;
    subjects.sort();
    expect_equal(
        subjects,
        vec![
            ("streams.b.1".to_string(), 2),
            ("streams.b.2".to_string(), 2),
        ],
    )?;
    for name in ["MORE0", "MORE1"] {
        js.create_stream(config(name, name)).await?;
    }
    let mut names: Vec<String> = js.stream_names().try_collect().await?;
    names.sort();
    expect_equal(names.join(" ").as_str(), "MORE0 MORE1 STREAMS")?;
    expect_equal(js.streams().count().await, 3)?;
    expect_equal(js.query_account().await?.streams, 3)?;
    for name in names {
        js.delete_stream(name).await?;
    }
    refused(
        js.delete_stream("STREAMS").await,
        ErrorCode::STREAM_NOT_FOUND,
    )
}

pub async fn publish(url: &str) -> Outcome {
    let js = connect(url).await?;
    let stream = js
        .create_stream(Config {
            allow_message_ttl: true,
            max_message_size: 1000,
            ..config("PUBLISH", "publish.*")
        })
        .await?;
    for i in 1..=20 {
        let ack = js.publish("publish.a", "".into()).await?.await?;
        expect_equal(
            (ack.stream.as_str(), ack.sequence, ack.duplicate),
            ("PUBLISH", i, false),
        )?;
    }
    let send = async |subject: &'static str, message: PublishMessage| {
        js.send_publish(subject, message).await?.await
    };
    let message = PublishMessage::build;
    send("publish.b", message().message_id("one")).await?;
    let again = send("publish.b", message().message_id("one")).await?;
    expect_equal((again.sequence, again.duplicate), (21, true))?;
    refused(
        send("publish.a", message().expected_stream("OTHER")).await,
        ErrorCode::STREAM_NOT_MATCH,
    )?;
    refused(
        send("publish.a", message().expected_last_message_id("two")).await,
        ErrorCode::STREAM_WRONG_LAST_MESSAGE_ID,
    )?;
    for wrong in [
        message().expected_last_sequence(20),
        message().expected_last_subject_sequence(1),
    ] {
        refused(
            send("publish.a", wrong).await,
            ErrorCode::STREAM_WRONG_LAST_SEQUENCE,
        )?;
    }
    send("publish.a", message().expected_last_sequence(21)).await?;
    refused(
        send("publish.a", message().payload(vec![0; 2000].into())).await,
        ErrorCode::STREAM_MESSAGE_EXCEEDS_MAXIMUM,
    )?;
    fails(send("nobody.a", message()).await)?;
    send("publish.ttl", message().ttl(Duration::from_secs(1))).await?;
    until_messages(&stream, 22).await
}

pub async fn publish_async(url: &str) -> Outcome {
    let js = connect(url).await?;
    let stream = js.create_stream(config("ASYNC", "async")).await?;
    let mut acks = Vec::new();
    for i in 0..PUBLISHED {
        acks.push(js.publish("async", i.to_string().into()).await?);
    }
    for (i, ack) in acks.into_iter().enumerate() {
        expect_equal(ack.await?.sequence, i as u64 + 1)?;
    }
    expect_equal(state(&stream).await?.messages, PUBLISHED as u64)
}

pub async fn messages(url: &str) -> Outcome {
    let js = connect(url).await?;
    let stream = js
        .create_stream(Config {
            allow_direct: true,
            ..config("MESSAGES", "messages.*")
        })
        .await?;
    let mut headers = async_nats::HeaderMap::new();
    headers.append("fruit", "apple");
    headers.append("fruit", "pear");
    js.publish_with_headers("messages.0", headers, "".into())
        .await?
        .await?;
    publish_numbers(&js, 9, &["messages.1", "messages.2", "messages.3"]).await?;
    let first = stream.get_raw_message(1).await?;
    expect_equal((first.subject.as_str(), first.sequence), ("messages.0", 1))?;
    expect_equal(
        first.headers.get("fruit").map(|value| value.as_str()),
        Some("pear"),
    )?;
    let direct = stream.direct_get(1).await?;
    expect_equal(direct.headers.get_all("fruit").count(), 2)?;
    expect_equal(stream.direct_get(5).await?.payload.as_ref(), b"4")?;
    let next = stream
        .direct_get_next_for_subject("messages.1", Some(3))
        .await?;
    expect_equal(next.sequence, 5)?;
    expect_equal(
        stream
            .direct_get_last_for_subject("messages.2")
            .await?
            .sequence,
        9,
    )?;
    let last = stream.get_last_raw_message_by_subject("messages.2").await?;
    expect_equal(last.sequence, 9)?;
    fails(stream.direct_get(99).await)?;
    fails(stream.get_raw_message(99).await)?;
    expect(stream.delete_message(2).await?, "not deleted".into())?;
    fails(stream.delete_message(2).await)?;
    expect_equal(stream.purge().filter("messages.3").keep(1).await?.purged, 2)?;
    expect_equal(stream.purge().sequence(9).await?.purged, 5)?;
    let now = state(&stream).await?;
    expect_equal((now.first_sequence, now.messages), (9, 2))?;
    stream.purge().await?;
    let now = state(&stream).await?;
    expect_equal(
        (now.first_sequence, now.last_sequence, now.messages),
        (11, 10, 0),
    )
}

pub async fn pull(url: &str) -> Outcome {
    let js = connect(url).await?;
    let stream = js.create_stream(config("PULL", "pull.*")).await?;
    publish_numbers(&js, CONSUMED, &["pull.a", "pull.b"]).await?;
    let consumer = pull_consumer(
        &stream,
        pull::Config {
            max_batch: 200,
            max_ack_pending: 10_000,
            ..durable("d")
        },
    )
    .await?;
    expect_equal(texts(&fetch(&consumer, 3).await?), numbers(1, 3, 1))?;
    let quick: Vec<Message> = consumer
        .fetch()
        .max_messages(2)
        .messages()
        .await?
        .try_collect()
        .await
        .map_err(|e| e as Fault)?;
    expect_equal(texts(&quick), numbers(4, 5, 1))?;
    let mut all = consumer
        .stream()
        .max_messages_per_batch(50)
        .messages()
        .await?;
    for i in 6..=CONSUMED {
        let message = timeout(PATIENCE, all.next())
            .await?
            .ok_or("the messages ended")??;
        expect_equal(message.payload.as_ref(), i.to_string().as_bytes())?;
        message.ack().await.map_err(|error| error as Fault)?;
    }
    js.publish("pull.a", "late".into()).await?.await?;
    let late = timeout(PATIENCE, all.next())
        .await?
        .ok_or("the messages ended")??;
    expect_equal(late.payload.as_ref(), b"late")?;
    drop(all);
    let filtered = pull_consumer(
        &stream,
        pull::Config {
            filter_subjects: vec!["pull.b".into(), "pull.c".into()],
            ..Default::default()
        },
    )
    .await?;
    expect_equal(texts(&fetch(&filtered, 100).await?), numbers(2, 200, 2))?;
    let empty = pull_consumer(
        &stream,
        pull::Config {
            filter_subject: "pull.none".into(),
            ..Default::default()
        },
    )
    .await?;
    expect_equal(
        empty
            .fetch()
            .max_messages(1)
            .messages()
            .await?
            .count()
            .await,
        0,
    )?;
    for (wanted, deliver_policy) in [
        ("late", DeliverPolicy::Last),
        ("500", DeliverPolicy::LastPerSubject),
        ("30", DeliverPolicy::ByStartSequence { start_sequence: 30 }),
    ] {
        let from = pull::Config {
            deliver_policy,
            filter_subject: "pull.*".into(),
            ack_policy: AckPolicy::None,
            ..Default::default()
        };
        let message = fetch_one(&pull_consumer(&stream, from).await?).await?;
        expect_equal(message.payload.as_ref(), wanted.as_bytes())?;
    }
    managed(&stream).await
}

/// Requests about consumers.
async fn managed(stream: &Stream) -> Outcome {
    fails(stream.consumer_info("none").await)?;
    let changed = pull::Config {
        max_deliver: 9,
        ..durable("d")
    };
    fails(stream.create_consumer_strict(changed).await)?;
    let described = pull::Config {
        description: Some("described".into()),
        ..durable("m")
    };
    pull_consumer(stream, durable("m")).await?;
    let mut consumer: PullConsumer = stream.update_consumer(described).await?;
    let info = consumer.info().await?;
    expect_equal(info.config.description.as_deref(), Some("described"))?;
    expect_equal(texts(&fetch(&consumer, 2).await?), numbers(1, 2, 1))?;
    let names: Vec<String> = stream.consumer_names().try_collect().await?;
    expect(
        names.contains(&"m".to_string()),
        format!("the consumers are {names:?}"),
    )?;
    expect_equal(stream.consumers().count().await, names.len())?;
    stream.delete_consumer("m").await?;
    refused(
        stream.delete_consumer("m").await,
        ErrorCode::CONSUMER_NOT_FOUND,
    )
}

pub async fn push(url: &str) -> Outcome {
    let js = connect(url).await?;
    let stream = js.create_stream(config("PUSH", "push")).await?;
    publish_numbers(&js, CONSUMED, &["push"]).await?;
    let consumer: PushConsumer = stream
        .create_consumer(push::Config {
            durable_name: Some("p".into()),
            deliver_subject: "deliver.p".into(),
            flow_control: true,
            idle_heartbeat: Duration::from_secs(1),
            ..Default::default()
        })
        .await?;
    let mut all = consumer.messages().await?;
    for i in 1..=CONSUMED {
        let message = timeout(PATIENCE, all.next())
            .await?
            .ok_or("the messages ended")??;
        expect_equal(message.payload.as_ref(), i.to_string().as_bytes())?;
        message.ack().await.map_err(|error| error as Fault)?;
    }
    Ok(())
}

pub async fn ordered(url: &str) -> Outcome {
    let js = connect(url).await?;
    let stream = js.create_stream(config("ORDERED", "ordered")).await?;
    publish_numbers(&js, CONSUMED, &["ordered"]).await?;
    let pulling: Consumer<pull::OrderedConfig> = stream
        .create_consumer(pull::OrderedConfig::default())
        .await?;
    let mut all = pulling.messages().await?;
    for i in 1..=CONSUMED {
        if i == 100 {
            // It makes another, and goes on where it was.
            let names: Vec<String> = stream.consumer_names().try_collect().await?;
            for name in names {
                stream.delete_consumer(&name).await?;
            }
        }
        let message = timeout(PATIENCE, all.next())
            .await?
            .ok_or("the messages ended")??;
        expect_equal(message.payload.as_ref(), i.to_string().as_bytes())?;
    }
    let pushed: Consumer<push::OrderedConfig> = stream
        .create_consumer(push::OrderedConfig {
            deliver_subject: "deliver.ordered".into(),
            ..Default::default()
        })
        .await?;
    let mut all = pushed.messages().await?;
    for i in 1..=CONSUMED {
        let message = timeout(PATIENCE, all.next())
            .await?
            .ok_or("the messages ended")??;
        expect_equal(message.payload.as_ref(), i.to_string().as_bytes())?;
    }
    Ok(())
}

pub async fn acks(url: &str) -> Outcome {
    let js = connect(url).await?;
    let stream = js.create_stream(config("ACKS", "acks")).await?;
    publish_numbers(&js, 4, &["acks"]).await?;
    let mut consumer = pull_consumer(
        &stream,
        pull::Config {
            ack_wait: Duration::from_secs(1),
            max_ack_pending: 1,
            max_deliver: 5,
            ..durable("d")
        },
    )
    .await?;
    let puller = consumer.clone();
    let delivery = async |sequence: u64, delivered: i64, pending: u64| {
        let message = fetch_one(&puller).await?;
        let info = message.info().map_err(|error| error as Fault)?;
        let got = (info.stream_sequence, info.delivered, info.pending);
        expect_equal(got, (sequence, delivered, pending))?;
        Ok::<Message, Fault>(message)
    };
    acknowledge(&delivery(1, 1, 3).await?, AckKind::Nak(None)).await?;
    let pause = Duration::from_millis(300);
    let message = delivery(1, 2, 3).await?;
    let started = std::time::Instant::now();
    acknowledge(&message, AckKind::Nak(Some(pause))).await?;
    let message = delivery(1, 3, 3).await?;
    expect(started.elapsed() >= pause, "redelivered too early".into())?;
    for _ in 0..5 {
        // More than its time to be acknowledged.
        sleep(pause).await;
        acknowledge(&message, AckKind::Progress).await?;
    }
    confirm(&message).await?;
    delivery(2, 1, 2).await?;
    // Since the acknowledgement did not come in time.
    acknowledge(&delivery(2, 2, 2).await?, AckKind::Term).await?;
    acknowledge(&delivery(3, 1, 1).await?, AckKind::Ack).await?;
    confirm(&delivery(4, 1, 0).await?).await?;
    let info = consumer.info().await?;
    let got = (
        info.ack_floor.stream_sequence,
        info.num_ack_pending,
        info.delivered.consumer_sequence,
    );
    expect_equal(got, (4, 0, 7))
}

pub async fn retention(url: &str) -> Outcome {
    let js = connect(url).await?;
    js.create_stream(Config {
        max_messages: 3,
        discard: DiscardPolicy::New,
        ..config("FULL", "full")
    })
    .await?;
    publish_numbers(&js, 3, &["full"]).await?;
    fails(js.publish("full", "".into()).await?.await)?;
    let last = js
        .create_stream(Config {
            max_messages_per_subject: 2,
            ..config("LAST", "last.*")
        })
        .await?;
    publish_numbers(&js, 9, &["last.a", "last.b", "last.c"]).await?;
    expect_equal(state(&last).await?.messages, 6)?;
    let work = js
        .create_stream(Config {
            retention: RetentionPolicy::WorkQueue,
            ..config("WORK", "work")
        })
        .await?;
    publish_numbers(&js, 10, &["work"]).await?;
    let worker = pull_consumer(&work, durable("worker")).await?;
    for message in fetch(&worker, 4).await? {
        confirm(&message).await?;
    }
    expect_equal(state(&work).await?.messages, 6)?;
    fails(work.create_consumer(durable("second")).await)?;
    let interest = js
        .create_stream(Config {
            retention: RetentionPolicy::Interest,
            ..config("INTEREST", "interest")
        })
        .await?;
    publish_numbers(&js, 1, &["interest"]).await?;
    expect_equal(state(&interest).await?.messages, 0)?;
    let consumers = [
        pull_consumer(&interest, durable("a")).await?,
        pull_consumer(&interest, durable("b")).await?,
    ];
    publish_numbers(&js, 1, &["interest"]).await?;
    for (left, consumer) in [1, 0].into_iter().zip(consumers) {
        confirm(&fetch_one(&consumer).await?).await?;
        expect_equal(state(&interest).await?.messages, left)?;
    }
    let aged = js
        .create_stream(Config {
            max_age: Duration::from_millis(200),
            ..config("AGED", "aged")
        })
        .await?;
    publish_numbers(&js, 3, &["aged"]).await?;
    until_messages(&aged, 0).await
}

pub async fn key_value(url: &str) -> Outcome {
    let js = connect(url).await?;
    let bucket = js
        .create_key_value(kv::Config {
            bucket: "kv".into(),
            history: 5,
            limit_markers: Some(Duration::from_secs(1)),
            max_value_size: 1000,
            ..Default::default()
        })
        .await?;
    expect_equal(bucket.get("none").await?, None)?;
    fails(js.get_key_value("none").await)?;
    expect_equal(bucket.put("a", "1".into()).await?, 1)?;
    expect_equal(bucket.update("a", "2".into(), 1).await?, 2)?;
    let wrong = bucket.update("a", "x".into(), 1).await;
    expect_equal(
        wrong.map_err(|e| e.kind()),
        Err(kv::UpdateErrorKind::WrongLastRevision),
    )?;
    let exists = bucket.create("a", "x".into()).await;
    expect_equal(
        exists.map_err(|e| e.kind()),
        Err(kv::CreateErrorKind::AlreadyExists),
    )?;
    expect_equal(bucket.create("b.c", "3".into()).await?, 3)?;
    let entry = bucket.entry("a").await?.ok_or("no entry")?;
    expect_equal((entry.value.as_ref(), entry.revision), (b"2".as_ref(), 2))?;
    let first = bucket.entry_for_revision("a", 1).await?.ok_or("no entry")?;
    expect_equal(first.value.as_ref(), b"1")?;
    fails(bucket.put("large", vec![0; 2000].into()).await)?;
    let mut watch = bucket.watch_with_history(">").await?;
    let mut updates = async |wanted: &[(kv::Operation, &str, u64)]| {
        for one in wanted {
            let entry = timeout(PATIENCE, watch.next())
                .await?
                .ok_or("the watch ended")??;
            expect_equal((entry.operation, entry.key.as_str(), entry.revision), *one)?;
        }
        Ok::<(), Fault>(())
    };
    use kv::Operation::{Delete, Purge, Put};
    updates(&[(Put, "a", 2), (Put, "b.c", 3)]).await?;
    bucket.delete("a").await?;
    bucket.purge("b.c").await?;
    updates(&[(Delete, "a", 4), (Purge, "b.c", 5)]).await?;
    expect_equal(bucket.get("a").await?, None)?;
    expect_equal(bucket.create("a", "again".into()).await?, 6)?;
    let history: Vec<u64> = bucket
        .history("a")
        .await?
        .map_ok(|entry| entry.revision)
        .try_collect()
        .await?;
    expect_equal(history, vec![1, 2, 4, 6])?;
    bucket
        .create_with_ttl("ttl", "short".into(), Duration::from_secs(1))
        .await?;
    updates(&[(Put, "a", 6), (Put, "ttl", 7), (Purge, "ttl", 8)]).await?;
    for i in 0..MANY_KEYS {
        bucket
            .put(format!("many.{i}"), i.to_string().into())
            .await?;
    }
    let keys: Vec<String> = bucket.keys().await?.try_collect().await?;
    expect_equal(keys.len(), MANY_KEYS + 1)?;
    let status = bucket.status().await?;
    expect_equal((status.history(), status.bucket()), (5, "kv"))?;
    js.delete_key_value("kv").await?;
    Ok(())
}

pub async fn object_store(url: &str) -> Outcome {
    use tokio::io::AsyncReadExt;
    let js = connect(url).await?;
    let mut store = js
        .create_object_store(object_store::Config {
            bucket: "objects".into(),
            ..Default::default()
        })
        .await?;
    let large: Vec<u8> = (0..1_000_001_u32).map(|i| (i * 31 >> 5) as u8).collect();
    let info = store.put("large", &mut large.as_slice()).await?;
    expect_equal((info.size, info.chunks), (large.len(), 8))?;
    let mut read = Vec::new();
    store.get("large").await?.read_to_end(&mut read).await?;
    expect(read == large, "the large object changed".into())?;
    for text in ["small", "replaced"] {
        store.put("a.txt", &mut text.as_bytes()).await?;
    }
    read.clear();
    store.get("a.txt").await?.read_to_end(&mut read).await?;
    expect_equal(read.as_slice(), b"replaced")?;
    let mut names: Vec<String> = store
        .list()
        .await?
        .map_ok(|info| info.name)
        .try_collect()
        .await?;
    names.sort();
    expect_equal(names.join(" ").as_str(), "a.txt large")?;
    let object = store.info("a.txt").await?;
    store.add_link("link", &object).await?;
    store.delete("large").await?;
    fails(store.get("large").await)?;
    expect_equal(store.list().await?.count().await, 2)?;
    store.seal().await?;
    fails(store.put("late", &mut "".as_bytes()).await)?;
    js.delete_object_store("objects").await?;
    Ok(())
}

pub async fn mirrors_sources(url: &str) -> Outcome {
    let js = connect(url).await?;
    for (name, subjects) in [
        ("north", ["north.a", "north.b", "north.c"]),
        ("south", ["south.a", "south.b", "south.c"]),
    ] {
        js.create_stream(config(name, &format!("{name}.*"))).await?;
        publish_numbers(&js, 6, &subjects).await?;
    }
    let mirror = js
        .create_stream(Config {
            name: "MIRROR".into(),
            mirror: Some(Source {
                name: "north".into(),
                ..Default::default()
            }),
            ..Default::default()
        })
        .await?;
    let sourced = js
        .create_stream(Config {
            name: "SOURCED".into(),
            sources: Some(vec![
                Source {
                    name: "north".into(),
                    filter_subject: Some("north.b".into()),
                    ..Default::default()
                },
                Source {
                    name: "south".into(),
                    subject_transforms: vec![SubjectTransform {
                        source: "south.*".into(),
                        destination: "moved.{{wildcard(1)}}".into(),
                    }],
                    ..Default::default()
                },
            ]),
            ..Default::default()
        })
        .await?;
    until_messages(&mirror, 6).await?;
    until_messages(&sourced, 8).await?;
    expect_equal(mirror.get_raw_message(4).await?.subject.as_str(), "north.a")?;
    js.publish("north.b", "".into()).await?.await?;
    until_messages(&mirror, 7).await?;
    until_messages(&sourced, 9).await
}

pub async fn restart(url: &str) -> Outcome {
    let js = connect(url).await?;
    let stream = js.create_stream(config("RESTART", "restart.*")).await?;
    let mut consumer = pull_consumer(
        &stream,
        pull::Config {
            ack_wait: Duration::from_secs(3600),
            ..durable("d")
        },
    )
    .await?;
    publish_numbers(&js, 90, &["restart.a", "restart.b", "restart.c"]).await?;
    for message in fetch(&consumer, 40).await? {
        confirm(&message).await?;
    }
    fetch(&consumer, 1).await?; // Not acknowledged, and not again before an hour has passed.
    let publish = async || {
        js.send_publish("restart.id", PublishMessage::build().message_id("kept"))
            .await?
            .await
    };
    publish().await?;
    println!("stop");
    while js.client().connection_state() == async_nats::connection::State::Connected {
        sleep(Duration::from_millis(10)).await;
    }
    println!("start");
    while js.client().connection_state() != async_nats::connection::State::Connected {
        sleep(Duration::from_millis(10)).await;
    }
    expect(
        publish().await?.duplicate,
        "the message's id is forgotten".into(),
    )?;
    let now = state(&stream).await?;
    expect_equal((now.messages, now.first_sequence), (91, 1))?;
    let info = consumer.info().await?;
    let got = (
        info.ack_floor.stream_sequence,
        info.num_ack_pending,
        info.num_pending,
    );
    expect_equal(got, (40, 1, 50))?;
    expect_equal(texts(&fetch(&consumer, 1).await?), numbers(42, 42, 1))
}
