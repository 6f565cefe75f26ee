//! The checks of ../README.md with async-nats.

mod jetstream;

use std::error::Error;
use std::time::Duration;

use async_nats::{
    Client, ConnectErrorKind, ConnectOptions, Event, HeaderMap, RequestErrorKind, Subscriber,
};
use bytes::Bytes;
use futures_util::StreamExt;
use tokio::sync::mpsc;
use tokio::time::timeout;

type Outcome = Result<(), Box<dyn Error>>;

/// Used up only when something is lost.
const PATIENCE: Duration = Duration::from_secs(20);
const QUEUE_MESSAGES: usize = 300;
const ORDERED_MESSAGES: usize = 1000;

fn expect(holds: bool, message: String) -> Outcome {
    if holds { Ok(()) } else { Err(message.into()) }
}

/// Waits until the server has dealt with all that the client sent; the client's own flush only sends it.
async fn settle(client: &Client) -> Outcome {
    client.flush().await?;
    expect_no_responders(client, "rs.settle").await
}

async fn subscribe(client: &Client, subject: &'static str) -> Result<Subscriber, Box<dyn Error>> {
    let subscriber = client.subscribe(subject).await?;
    settle(client).await?;
    Ok(subscriber)
}

async fn next(subscriber: &mut Subscriber) -> Result<async_nats::Message, Box<dyn Error>> {
    Ok(timeout(PATIENCE, subscriber.next())
        .await?
        .ok_or("the subscription ended")?)
}

async fn expect_text(subscriber: &mut Subscriber, text: &str) -> Outcome {
    let got = next(subscriber).await?.payload;
    expect(got == text.as_bytes(), format!("got {got:?}, not {text}"))
}

async fn publish_subscribe(url: &str) -> Outcome {
    let (publisher, client) = (
        async_nats::connect(url).await?,
        async_nats::connect(url).await?,
    );
    let mut subscriber = subscribe(&client, "rs.plain").await?;
    for i in 0..ORDERED_MESSAGES {
        publisher
            .publish_with_reply("rs.plain", "rs.reply", i.to_string().into())
            .await?;
    }
    for i in 0..ORDERED_MESSAGES {
        let message = next(&mut subscriber).await?;
        expect(
            message.payload == i.to_string().as_bytes(),
            format!("message {i} is {message:?}"),
        )?;
        expect(
            message.reply.as_deref() == Some("rs.reply"),
            format!("reply of {message:?}"),
        )?;
    }
    Ok(())
}

async fn wildcards(url: &str) -> Outcome {
    let client = async_nats::connect(url).await?;
    let mut star = subscribe(&client, "rs.wild.*.c").await?;
    let mut tail = subscribe(&client, "rs.wild.>").await?;
    let subjects = ["rs.wild.b", "rs.wild.b.c", "rs.wild.b.c.d", "rs.wild.end.c"];
    for subject in subjects {
        client.publish(subject, subject.into()).await?;
    }
    for subject in ["rs.wild.b.c", "rs.wild.end.c"] {
        expect_text(&mut star, subject).await?;
    }
    for subject in subjects {
        expect_text(&mut tail, subject).await?;
    }
    Ok(())
}

async fn queue_group(url: &str) -> Outcome {
    let publisher = async_nats::connect(url).await?;
    let (sender, mut received) = mpsc::unbounded_channel();
    let mut members = Vec::new();
    for i in 0..2 {
        let member = async_nats::connect(url).await?;
        let mut subscriber = member.queue_subscribe("rs.queue", "workers".into()).await?;
        settle(&member).await?;
        members.push(member);
        let sender = sender.clone();
        tokio::spawn(async move {
            while subscriber.next().await.is_some() && sender.send(i).is_ok() {}
        });
    }
    for _ in 0..QUEUE_MESSAGES {
        publisher.publish("rs.queue", Bytes::new()).await?;
    }
    let mut counts = [0; 2];
    for _ in 0..QUEUE_MESSAGES {
        counts[timeout(PATIENCE, received.recv())
            .await?
            .ok_or("the members ended")?] += 1;
    }
    for member in &members {
        settle(member).await?;
    }
    expect(received.is_empty(), "some came twice".into())?;
    expect(
        counts.iter().all(|&count| count > QUEUE_MESSAGES / 6),
        format!("shared as {counts:?}"),
    )
}

async fn headers(url: &str) -> Outcome {
    let client = async_nats::connect(url).await?;
    let mut subscriber = subscribe(&client, "rs.headers").await?;
    let mut headers = HeaderMap::new();
    headers.append("fruit", "apple");
    headers.append("fruit", "pear");
    client
        .publish_with_headers("rs.headers", headers.clone(), "body".into())
        .await?;
    let message = next(&mut subscriber).await?;
    expect(
        message.headers == Some(headers),
        format!("headers of {message:?}"),
    )?;
    expect(message.payload == "body", format!("body of {message:?}"))
}

async fn request(url: &str) -> Outcome {
    let (responder, client) = (
        async_nats::connect(url).await?,
        async_nats::connect(url).await?,
    );
    let mut requests = subscribe(&responder, "rs.upper").await?;
    tokio::spawn(async move {
        while let Some(message) = requests.next().await {
            if let Some(reply) = message.reply {
                let answer = message.payload.to_ascii_uppercase();
                if responder.publish(reply, answer.into()).await.is_err() {
                    return;
                }
            }
        }
    });
    for i in 0..100 {
        let answer = client.request("rs.upper", format!("n{i}").into()).await?;
        expect(
            answer.payload == format!("N{i}"),
            format!("answer is {answer:?}"),
        )?;
    }
    Ok(())
}

async fn expect_no_responders(client: &Client, subject: &'static str) -> Outcome {
    match client.request(subject, Bytes::new()).await {
        Err(error) if error.kind() == RequestErrorKind::NoResponders => Ok(()),
        other => Err(format!("not \"no responders\" but {other:?}").into()),
    }
}

async fn no_responders(url: &str) -> Outcome {
    expect_no_responders(&async_nats::connect(url).await?, "rs.nobody").await
}

async fn auto_unsubscribe(url: &str) -> Outcome {
    let client = async_nats::connect(url).await?;
    let mut subscriber = subscribe(&client, "rs.limited").await?;
    subscriber.unsubscribe_after(2).await?;
    for text in ["1", "2"] {
        client.publish("rs.limited", text.into()).await?;
    }
    expect_text(&mut subscriber, "1").await?;
    expect_text(&mut subscriber, "2").await?;
    expect_no_responders(&client, "rs.limited").await
}

async fn max_payload(url: &str) -> Outcome {
    let client = async_nats::connect(url).await?;
    let mut subscriber = subscribe(&client, "rs.large").await?;
    let mut payload = b"0123456789abcdef".repeat(client.max_payload() / 16);
    client.publish("rs.large", payload.clone().into()).await?;
    expect(
        next(&mut subscriber).await?.payload == payload,
        "payload changed".into(),
    )?;
    payload.push(b'x');
    let more = client.publish("rs.large", payload.into()).await;
    expect(more.is_err(), "more than max_payload was accepted".into())
}

async fn drain(url: &str) -> Outcome {
    let (publisher, worker) = (
        async_nats::connect(url).await?,
        async_nats::connect(url).await?,
    );
    let mut answers = subscribe(&publisher, "rs.drained").await?;
    let mut work = subscribe(&worker, "rs.drain").await?;
    for i in 0..100 {
        publisher.publish("rs.drain", i.to_string().into()).await?;
    }
    settle(&publisher).await?;
    work.drain().await?;
    while let Some(message) = timeout(PATIENCE, work.next()).await? {
        worker.publish("rs.drained", message.payload).await?;
    }
    worker.drain().await?;
    for i in 0..100 {
        expect_text(&mut answers, &i.to_string()).await?;
    }
    Ok(())
}

async fn auth(url: &str) -> Outcome {
    let good = ConnectOptions::with_user_and_password("ann".into(), "secret".into());
    good.connect(url).await?.flush().await?;
    for wrong in [
        ConnectOptions::new(),
        ConnectOptions::with_user_and_password("ann".into(), "wrong".into()),
        ConnectOptions::with_token("secret".into()),
    ] {
        match wrong.connect(url).await {
            Err(error) if error.kind() == ConnectErrorKind::AuthorizationViolation => {}
            other => return Err(format!("not refused but {other:?}").into()),
        }
    }
    Ok(())
}

async fn reconnect(url: &str) -> Outcome {
    let (sender, mut events) = mpsc::unbounded_channel();
    let client = ConnectOptions::new()
        .reconnect_delay_callback(|_| Duration::from_millis(10))
        .event_callback(move |event| {
            let sender = sender.clone();
            async move {
                // Nobody listens any more once this check is over.
                let _ = sender.send(event);
            }
        })
        .connect(url)
        .await?;
    let mut subscriber = subscribe(&client, "rs.again").await?;
    println!("stop");
    while timeout(PATIENCE, events.recv())
        .await?
        .ok_or("no more events")?
        != Event::Disconnected
    {}
    client.publish("rs.again", "during".into()).await?;
    println!("start");
    expect_text(&mut subscriber, "during").await?;
    client.publish("rs.again", "after".into()).await?;
    expect_text(&mut subscriber, "after").await
}

/// Reports a check; ends the program when it failed.
fn report(name: &str, outcome: Outcome) {
    match outcome {
        Ok(()) => println!("ok {name}"),
        Err(error) => {
            println!("not ok {name}: {error}");
            std::process::exit(1);
        }
    }
}

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["messaging", open, locked] => messaging_checks(open, locked).await,
        ["jetstream", url] => jetstream_checks(url).await,
        _ => panic!("what to check, and the addresses of servers"),
    }
}

/// `locked` wants a user and a password.
async fn messaging_checks(open: &str, locked: &str) {
    report("publish-subscribe", publish_subscribe(open).await);
    report("wildcards", wildcards(open).await);
    report("queue-group", queue_group(open).await);
    report("headers", headers(open).await);
    report("request", request(open).await);
    report("no-responders", no_responders(open).await);
    report("auto-unsubscribe", auto_unsubscribe(open).await);
    report("max-payload", max_payload(open).await);
    report("drain", drain(open).await);
    report("auth", auth(locked).await);
    report("reconnect", reconnect(open).await);
}

async fn jetstream_checks(url: &str) {
    report("streams", jetstream::streams(url).await);
    report("publish", jetstream::publish(url).await);
    report("publish-async", jetstream::publish_async(url).await);
    report("messages", jetstream::messages(url).await);
    report("pull", jetstream::pull(url).await);
    report("push", jetstream::push(url).await);
    report("ordered", jetstream::ordered(url).await);
    report("acks", jetstream::acks(url).await);
    report("retention", jetstream::retention(url).await);
    report("key-value", jetstream::key_value(url).await);
    report("object-store", jetstream::object_store(url).await);
    report("mirrors-sources", jetstream::mirrors_sources(url).await);
    report("restart", jetstream::restart(url).await);
}
