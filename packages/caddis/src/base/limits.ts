/**
 * Every bound that no option sets, with its reason. Bounds that users set are options
 * (`config/options.ts`).
 */

/** Digits of a size in a control line. The reference refuses the tenth. */
export const SIZE_DIGITS_MAX = 9;

/** First buffer for an operation that a read cut short: most control lines fit. */
export const TAIL_BYTES_INITIAL = 256;

/**
 * One read takes at most this much: fewer, larger system calls beat small ones by half at 16 KiB
 * payloads, and one buffer serves all connections of a server since bytes are used up before the next read.
 */
export const READ_BYTES = 2 * 1024 * 1024;

/**
 * Sizes of output slabs. A connection starts with the smallest and moves up while it fills its slab
 * within one turn: request-reply stays in one page, a stream makes few large system calls.
 */
export const SLAB_BYTES = [4 * 1024, 64 * 1024, 512 * 1024] as const;

/**
 * With more connections than this waiting to be flushed, the largest slabs are not used: a hundred of
 * them would leave the processor's caches.
 */
export const LARGE_SLAB_DIRTY_MAX = 12;

/** Free slabs kept for reuse, in bytes over all sizes; more is returned to the system at once. */
export const SLAB_POOL_BYTES_MAX = 64 * 1024 * 1024;

/** How often memory that nobody used meanwhile is given back, and other upkeep is done. */
export const UPKEEP_INTERVAL_MS = 2_000;

/**
 * A publisher is held back while one of its receivers has more than this waiting behind a write that
 * the kernel did not take, or than this share of `max_pending` where that is less: keeps slabs warm and
 * the heap small. It goes on once the receiver has only a quarter of it left.
 */
export const STALL_BYTES_MAX = 4 * 1024 * 1024;
export const STALL_SHARE = 0.5;

/** Input of held-back publishers that is kept unparsed, over all of them: a read may bring `READ_BYTES` each. */
export const BACKLOG_BYTES_MAX = 64 * 1024 * 1024;

/**
 * Input behind a CONNECT that is still being decided about, kept per connection: clients send a PING along,
 * some a few subscriptions.
 */
export const UNADMITTED_INPUT_BYTES_MAX = 64 * 1024;

/**
 * A WebSocket message of who is not let in yet, as it is sent and as it is inflated: CONNECT and what clients send
 * along with it. A few hundred bytes of zeros could otherwise become many megabytes.
 */
export const STRANGER_MESSAGE_BYTES_MAX = 64 * 1024;

/** A WebSocket message afterwards: several of the largest payloads, as a multiple of `max_payload`, and at most so much; as in the reference. */
export const MESSAGE_PAYLOADS_MAX = 8;
export const MESSAGE_BYTES_MAX = 64 * 1024 * 1024;

/**
 * Frames that one WebSocket message may come in, and reads of the system that one frame may: each takes some
 * hundred bytes besides what is in it. Browsers send frames of 128 KiB or one per message.
 */
export const MESSAGE_FRAMES_MAX = 16 * 1024;
export const FRAME_READS_MAX = 64 * 1024;

/**
 * Pongs that a peer has not taken, of 127 bytes at most: who goes on with its pings beyond them is dropped. Those of
 * one read count together.
 */
export const PONGS_OUTSTANDING_MAX = 1_024;

/** How long a peer may take to become a WebSocket, TLS included, where `handshake_timeout` says nothing. */
export const UPGRADE_MS_MAX = 10_000;

/** Request line and header fields of an upgrade: cookies with a JWT need some kilobytes. */
export const UPGRADE_BYTES_MAX = 16 * 1024;

/** The same once all backlogs together are as large as they may be: what clients send behind a CONNECT. */
export const UNADMITTED_INPUT_BYTES_MIN = 512;

/** How much longer than `authorization.timeout` an answer about a CONNECT may take; whoever is asked has a bound of its own. */
export const VERDICT_GRACE_MS = 2_000;

/** Subscriptions of a leaving connection that are taken out in one turn: some milliseconds. */
export const REMOVALS_PER_TURN = 10_000;

/** A receiver that has this share of `max_pending` waiting is behind whatever it takes; as in the reference. */
export const BEHIND_SHARE = 0.75;

/** A write that has not gone through for so long means that its receiver is stuck rather than busy. */
export const STUCK_WRITE_MS = 50;

/**
 * A held-back publisher goes on after this time, whatever its receiver does, so that its other
 * receivers never wait longer; the reference's bound per read.
 */
export const STALL_MS_MAX = 10;

/** Most buffers given to one vectored write. */
export const WRITE_BUFFERS_MAX = 64;

/** Most bytes that may leave in one write: bounds what one slow connection keeps out of the pool. */
export const WRITE_BYTES_MAX = 8 * 1024 * 1024;

/** First PING of the server after this time (a fifth more at most); the reference's lazy first ping. */
export const FIRST_PING_MS = 2_000;

/** The round trip is measured again after this time even on a busy connection; as in the reference. */
export const RTT_INTERVAL_MS = 3_600_000;

/** PING timers fall due on multiples of this, so that many idle connections share their wake-ups. */
export const PING_GRAIN_MS = 250;

/** How long a connection whose last bytes are sent may take to end its side before it is dropped. */
export const CLOSE_LINGER_MS = 1_000;

/**
 * The same for a server that shuts down: short, since nobody acts any more on what a client that has not
 * noticed yet still writes, and a client learns that only from a connection which is gone on both sides.
 */
export const SHUTDOWN_LINGER_MS = 5;

/**
 * A closed connection's subscriptions are remembered for monitoring up to this number and this length of
 * their names together: ten thousand such connections must not become a way to fill the memory.
 */
export const CLOSED_SUBSCRIPTIONS_MAX = 64;
export const CLOSED_SUBSCRIPTIONS_BYTES_MAX = 2_048;

/**
 * Accounts that one message may enter by service imports, over all the ways it takes: imports may fork at each
 * account, so that a few dozen of them could otherwise turn one request into millions.
 */
export const SERVICE_HOPS_MAX = 1_024;

/** Steps of the search for a cycle of imports; as in the reference, which refuses the import beyond. */
export const IMPORT_SEARCH_MAX = 1_024;

/**
 * Answers that one service import waits for: some 100 MB with what they refer to. The oldest is given up beyond, so that an account which
 * asks without end where nobody answers only loses answers of its own.
 */
export const AWAITED_ANSWERS_MAX = 262_144;

/** What the reply subjects of these may take together, in bytes: requesters choose their length. */
export const AWAITED_REPLY_BYTES_MAX = 32 * 1024 * 1024;

/** Bytes of reply subjects that are looked at in one turn when interest was lost: some milliseconds. */
export const INTEREST_SEARCH_BYTES = 64 * 1024;

/** How long after the last of it interest in answers is looked for again, where a wildcard may have covered many. */
export const INTEREST_SEARCH_MS = 250;

/** Memory kept for messages that get another subject: a larger one has memory of its own. */
export const RENAMED_BYTES_KEPT = 1024 * 1024;
