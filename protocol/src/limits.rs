//! Every limit of the protocol and its default, in one file (I6). Units are in the names.

/// Fixed cost counted for each record besides its headers and body.
pub const RECORD_OVERHEAD_BYTES: usize = 8;
/// Largest stored record, metered.
pub const RECORD_MAX_BYTES: usize = 1024 * 1024;
/// Largest `…/append` request body.
pub const APPEND_BODY_MAX_BYTES: usize = 1024 * 1024;
/// Largest session-create body: head start puts the whole history in it (trap 24).
pub const CREATE_BODY_MAX_BYTES: usize = 8 * 1024 * 1024;
/// Largest body of an AI SDK chat request (whole history on the wire).
pub const CHAT_BODY_MAX_BYTES: usize = 32 * 1024 * 1024;
/// Largest frame on a socket of the AI SDK binding before the first one with a valid credential.
pub const CHAT_SOCKET_ANONYMOUS_MAX_BYTES: usize = 4 * 1024 * 1024;
/// How long such a socket waits for that.
pub const CHAT_SOCKET_CREDENTIAL_TIMEOUT_MS: u64 = 30_000;
/// Requests that are under way on one such socket.
pub const CHAT_SOCKET_REQUESTS_MAX: usize = 64;
/// What such a socket holds for a client that does not read, beside the chunks that came last.
pub const CHAT_SOCKET_UNSENT_MAX_BYTES: usize = 128 * 1024;
/// Length of a `requestId`, in bytes.
pub const REQUEST_ID_MAX_BYTES: usize = 256;
/// Largest body of every other JSON request.
pub const JSON_BODY_MAX_BYTES: usize = 64 * 1024;

/// Session type length, in characters.
pub const SESSION_TYPE_MAX_CHARS: usize = 64;
/// External id length, in characters.
pub const EXTERNAL_ID_MAX_CHARS: usize = 256;
/// Agent id (task identifier) length, in characters.
pub const AGENT_ID_MAX_CHARS: usize = 128;
/// Tags of a session.
pub const TAGS_MAX: usize = 10;
/// Tag length, in characters.
pub const TAG_MAX_CHARS: usize = 128;
/// Close reason length, in characters.
pub const CLOSE_REASON_MAX_CHARS: usize = 256;
/// Side channel name length, in bytes.
pub const CHANNEL_NAME_MAX_BYTES: usize = 128;
/// Part id length, in bytes.
pub const PART_ID_MAX_BYTES: usize = 256;

/// How long an SSE read is held open without a record when the client does not say (trap 21).
pub const READ_TIMEOUT_DEFAULT_S: u64 = 300;
/// Bounds of `Timeout-Seconds`.
pub const READ_TIMEOUT_MAX_S: u64 = 600;
/// An SSE read that is silent for this long gets a `ping` event.
pub const PING_INTERVAL_MS: u64 = 10_000;
/// A running turn that is silent for this long gets a keep-alive control record (trap 5).
pub const TURN_KEEP_ALIVE_MS: u64 = 45_000;

/// Records in one page of `…/records`.
pub const RECORDS_PAGE_MAX: usize = 1_000;
/// Bytes from which on a page that a run asks for, which has no limit otherwise, ends.
pub const RECORDS_OF_RUN_MAX_BYTES: usize = 64 * 1024 * 1024;
/// Bytes read from the store at once.
pub const READ_PAGE_MAX_BYTES: usize = 1024 * 1024;
/// Sessions in one page of a listing.
pub const LIST_PAGE_MAX: usize = 100;
/// Sessions in one page of a listing when the client does not say.
pub const LIST_PAGE_DEFAULT: usize = 20;
/// Messages in one page of a transcript.
pub const TRANSCRIPT_PAGE_MAX: usize = 1_000;

/// Bytes of the newest batches that a live channel keeps in memory for its followers.
pub const RING_MAX_BYTES: usize = 512 * 1024;
/// Batches that a live channel keeps in memory for its followers.
pub const RING_MAX_BATCHES: usize = 1_024;

/// How long one gateway waits for another's answer.
pub const FLEET_ANSWER_MS: u64 = 10_000;
/// A gateway of which nothing was heard for so long is dead.
pub const FLEET_GONE_MS: u64 = 2_500;
/// How long a run whose gateway is gone waits for its worker to come to another one.
pub const FLEET_ORPHAN_MS: u64 = 300;
/// How often a gateway of a fleet looks by itself for input of a session that it serves: a message
/// of another gateway that got lost delays it no longer.
pub const FLEET_LOOK_MS: u64 = 5_000;
/// How often a gateway looks for owed inputs, of its share of the sessions, that nobody serves.
pub const FLEET_SWEEP_MS: u64 = 10_000;
/// How long after its own share of a dead gateway's sessions a gateway takes what is left over.
pub const FLEET_SHARE_MS: u64 = 500;
/// Changes of a gateway's workers within this time are announced together.
pub const FLEET_ANNOUNCE_MS: u64 = 10;
/// Most that a gateway announces of its workers.
pub const ROSTER_MAX_BYTES: usize = 1024 * 1024;

/// How long a repeated frame (part id) is recognised; the clients' retry span is 9.3 s (trap 30).
pub const FRAME_KEY_TTL_MS: u64 = 10 * 60 * 1_000;
/// Frame keys remembered per stream.
pub const FRAME_KEYS_MAX: usize = 4_096;

/// Inputs that may be owed in one session before appends are refused with 429.
pub const OWED_MAX: usize = 1_000;
/// Further inputs that may be owed where they are stops or the close: a full session can still be
/// stopped and closed.
pub const OWED_SIGNALS_MAX: usize = 200;
/// Times that a turn is run before its failure becomes visible (I7).
pub const TURN_ATTEMPTS_MAX: u32 = 3;
/// Bytes of chunks in one answer.
pub const ANSWER_MAX_BYTES: usize = 32 * 1024 * 1024;
/// Messages kept in one transcript.
pub const TRANSCRIPT_MESSAGES_MAX: usize = 10_000;
/// Bytes of messages in a transcript from which on no further turn begins.
pub const TRANSCRIPT_MAX_BYTES: usize = 64 * 1024 * 1024;

/// Largest `max_children` of a `process` agent.
pub const PROCESS_CHILDREN_MAX: usize = 4_096;
/// Children of a `process` agent when its configuration does not say.
pub const PROCESS_CHILDREN_DEFAULT: usize = 64;
/// Longest text that a child gets in a variable of its environment.
pub const PROCESS_TEXT_MAX_BYTES: usize = 64 * 1024;
/// From SIGTERM to SIGKILL, for the process group of a child whose answer is over.
pub const PROCESS_GRACE_MS: u64 = 2_000;

/// How long a duplex connection may be without `hello`.
pub const DUPLEX_HELLO_TIMEOUT_MS: u64 = 10_000;
/// How long a duplex connection may be without a credential.
pub const DUPLEX_CREDENTIAL_TIMEOUT_MS: u64 = 30_000;
/// Largest frame of a duplex connection without a credential.
pub const DUPLEX_HELLO_MAX_BYTES: usize = 32 * 1024;
/// Largest frame of the duplex binding: JSON may write an appended body longer than it is.
pub const DUPLEX_FRAME_MAX_BYTES: usize = 3 * 1024 * 1024;
/// Subscriptions, and sessions with a credential of their own, of one duplex connection.
pub const DUPLEX_SUBSCRIPTIONS_MAX: usize = 256;
/// Requests of one duplex connection that may be under way.
pub const DUPLEX_REQUESTS_MAX: usize = 64;
/// Bytes of appended bodies under way on one duplex connection; one more may follow.
pub const DUPLEX_REQUESTS_MAX_BYTES: usize = 1024 * 1024;
/// Silence of a client after which its duplex connection is closed.
pub const DUPLEX_SILENCE_MS: u64 = 30_000;
/// Bytes that wait in a duplex connection for a client that does not read; one frame may follow.
pub const DUPLEX_UNSENT_MAX_BYTES: usize = 128 * 1024;
/// Bytes that wait in all streams of a WebTransport session together before none gets more; one
/// frame may follow.
pub const DUPLEX_STREAMS_UNSENT_MAX_BYTES: usize = 4 * 1024 * 1024;

/// How long a connection of the agent link may be without `hello`.
pub const LINK_HELLO_TIMEOUT_MS: u64 = 10_000;
/// Largest frame of the agent link.
pub const LINK_FRAME_MAX_BYTES: usize = 32 * 1024 * 1024;
/// A worker sends something at least this often.
pub const LINK_HEARTBEAT_MS: u64 = 3_000;
/// Silence after which a worker's link is closed and its work lost.
pub const LINK_LEASE_MS: u64 = 9_000;
/// How long a link that was cut may be resumed.
pub const LINK_RESUME_MS: u64 = 600;
/// Bytes of one piece of work's frames that may be unacknowledged.
pub const LINK_WINDOW_BYTES: usize = 4 * 1024 * 1024;
/// Largest `capacity` of a worker.
pub const WORKER_CAPACITY_MAX: usize = 10_000;
/// Agents that one worker may register.
pub const WORKER_AGENTS_MAX: usize = 100;
/// Workers that a gateway holds.
pub const WORKERS_MAX: usize = 20_000;
/// Agents that a gateway knows, connected or not.
pub const KNOWN_AGENTS_MAX: usize = 10_000;
/// Sessions that may stand between a run and the session that a client made.
pub const SUBAGENT_DEPTH_MAX: usize = 8;
/// How long a run may take to say that it is ready.
pub const RUN_BOOT_TIMEOUT_MS: u64 = 60_000;
/// How long a session stays warm at the worker that answered its last turn (mode `turns`).
pub const TURN_WARM_MS: u64 = 30_000;
/// How long a run that nobody has asked anything waits, where its agent has a head start: a message
/// that comes meanwhile gets one.
pub const PRELOAD_GRACE_MS: u64 = 200;
/// How long a run that was booted before the first message counts as cold, where its agent has a
/// head start.
pub const PRELOAD_BOOT_MS: u64 = 3_000;
/// Longest `wait` of a head start: how long its agent may take to take over.
pub const HEAD_START_WAIT_MAX_MS: u64 = 600_000;
/// `wait` when the configuration does not say.
pub const HEAD_START_WAIT_MS: u64 = 60_000;
/// Longest `step` of a head start: how long its first step may take.
pub const HEAD_START_STEP_MAX_MS: u64 = 600_000;
/// `step` when the configuration does not say.
pub const HEAD_START_STEP_MS: u64 = 60_000;
/// How long a run that was only preloaded stays.
pub const PRELOAD_IDLE_MS: u64 = 300_000;
/// Length of the name of a tool.
pub const TOOL_NAME_MAX_CHARS: usize = 64;
/// Runs and attempts without a boundary before the failure becomes visible (I7).
pub const RUN_ATTEMPTS_MAX: u32 = 3;
/// Pause before a turn or run is given to somebody anew after a second worker was lost with it, or
/// a second run ended without a boundary.
pub const RETRY_PAUSE_MS: u64 = 300;
/// Bytes of a run's metadata.
pub const RUN_METADATA_MAX_BYTES: usize = 256 * 1024;
/// Upgrades without a boundary before the failure becomes visible (I7).
pub const UPGRADE_SWAPS_MAX: u32 = 3;

/// Seq distance between the epochs of one stream: far ahead of any old cursor, below 2^53 (I1).
pub const EPOCH_SEQ_STRIDE: u64 = 1 << 32;
/// Fences that a session may be given before the next failover; later ones begin beyond them (I4).
pub const FENCE_STRIDE: u64 = 1 << 20;

/// Lifetime of session tokens that the gateway makes by itself.
pub const SESSION_TOKEN_TTL_S: u64 = 3_600;
/// Default and longest lifetime of tokens minted by `public-tokens`.
pub const PUBLIC_TOKEN_TTL_DEFAULT_S: u64 = 15 * 60;
/// See [`PUBLIC_TOKEN_TTL_DEFAULT_S`].
pub const PUBLIC_TOKEN_TTL_MAX_S: u64 = 30 * 24 * 3_600;
/// Lifetime of a run's token.
pub const RUN_TOKEN_TTL_S: u64 = 7 * 24 * 3_600;
/// Records in one append of the S2 binding.
pub const S2_RECORDS_MAX: usize = 1_000;
/// Largest body of one S2 append: JSON may write a record longer than it is.
pub const S2_BODY_MAX_BYTES: usize = 4 * 1024 * 1024;
/// Largest frame of an S2 append session, flags included.
pub const S2_FRAME_MAX_BYTES: usize = 2 * 1024 * 1024;
/// How long S2 clients are told to collect records before they send them.
pub const S2_FLUSH_INTERVAL_MS: u64 = 10;
/// Lifetime of S2 write credentials.
pub const S2_TOKEN_TTL_S: u64 = 24 * 3_600;
/// Largest transcript that an agent with a loop of its own may save.
pub const SAVED_TRANSCRIPT_MAX_BYTES: usize = 32 * 1024 * 1024;
/// Self-tests of the way to a gateway that may run at once.
pub const SELF_TESTS_MAX: usize = 64;
/// Steps of a self-test.
pub const SELF_TEST_STEPS: u32 = 3;
/// How long a self-test waits for the acknowledgement of a step.
pub const SELF_TEST_WAIT_MS: u64 = 5_000;
/// How long an acknowledgement that no self-test waits for is held back.
pub const SELF_TEST_HOLD_MS: u64 = 500;
/// Largest message of the socket that tests the way.
pub const SELF_TEST_SOCKET_MESSAGE_MAX_BYTES: usize = 16 * 1024 * 1024;
/// Largest header of the PROXY protocol.
pub const PROXY_HEADER_MAX_BYTES: usize = 4_096;
/// How long a ticket for one handshake is good.
pub const TICKET_TTL_S: u64 = 60;
/// Longest bearer credential that is looked at.
pub const CREDENTIAL_MAX_BYTES: usize = 16 * 1024;
/// Request line and headers of one request.
pub const HEADERS_MAX_BYTES: usize = 64 * 1024;

/// Requests that an HTTP/3 connection may have at once.
pub const H3_STREAMS_MAX: u32 = 100;
/// The same, until it has had half of these at once.
pub const H3_STREAMS_FIRST: u32 = 20;
/// Requests over the life of an HTTP/3 connection; then its client is told to open another one.
pub const H3_REQUESTS_MAX: u64 = 10_000;
/// Bytes of one HTTP/3 frame that are collected until it is whole.
pub const H3_UNPARSED_MAX_BYTES: usize = 128 * 1024;
/// Bytes of all control streams over the life of an HTTP/3 connection.
pub const H3_CONTROL_MAX_BYTES: usize = 1024 * 1024;
/// Streams of one direction that a QUIC client may have open.
pub const QUIC_PEER_STREAMS_MAX: u32 = 8;
/// Bytes that a QUIC client may send ahead on one stream.
pub const QUIC_STREAM_WINDOW_BYTES: u32 = 256 * 1024;
/// Bytes that a QUIC client may send ahead on all streams.
pub const QUIC_CONNECTION_WINDOW_BYTES: u32 = 1024 * 1024;
/// Bytes that a QUIC connection holds because its client has not acknowledged them.
pub const QUIC_SEND_WINDOW_BYTES: u64 = 512 * 1024;
/// Bytes of QUIC datagrams that are held, in each direction; older ones go.
pub const QUIC_DATAGRAM_BUFFER_BYTES: usize = 4 * 1024;
/// A QUIC connection from which nothing came for so long is gone.
pub const QUIC_SILENCE_MS: u32 = 30_000;
/// A silent QUIC client is asked this often whether it is there.
pub const QUIC_PING_INTERVAL_MS: u64 = 10_000;
/// How long a QUIC handshake may take.
pub const QUIC_HANDSHAKE_TIMEOUT_MS: u64 = 10_000;
/// QUIC handshakes under way from which on a new client must first prove its address.
pub const QUIC_UNPROVEN_MAX: usize = 64;
/// How long a client may remember that HTTP/3 is spoken.
pub const ALT_SVC_MAX_AGE_S: u64 = 86_400;

/// Commands that may be in flight to one Redis server; further callers wait.
pub const REDIS_IN_FLIGHT_MAX: usize = 4_096;
/// Bytes of commands that may be in flight to one Redis server.
pub const REDIS_IN_FLIGHT_MAX_BYTES: usize = 64 * 1024 * 1024;
/// Least time between two writes to one Redis server; calls that come sooner are written together.
pub const REDIS_WRITE_INTERVAL_MS: u64 = 1;
/// How long a command may wait for its turn, or for a connection or a primary.
pub const REDIS_QUEUE_TIMEOUT_MS: u64 = 1_000;
/// How long a Redis server may take to answer a command.
pub const REDIS_COMMAND_TIMEOUT_MS: u64 = 2_000;
/// How long connecting to a Redis server may take.
pub const REDIS_CONNECT_TIMEOUT_MS: u64 = 2_000;
/// Failures in a row after which commands to a Redis server are refused at once.
pub const REDIS_BREAKER_FAILURES: u32 = 5;
/// How long they are, before one command tries again.
pub const REDIS_BREAKER_REST_MS: u64 = 500;
/// Longest pause between attempts to connect to a Redis server.
pub const REDIS_BACKOFF_MAX_MS: u64 = 1_000;
/// How often a subscribing connection is probed; it is dead if the answer takes twice as long.
pub const REDIS_SUBSCRIBER_PING_MS: u64 = 500;
/// How often the time of a Redis server is asked for.
pub const REDIS_CLOCK_INTERVAL_MS: u64 = 60_000;
/// How often a gateway that shares a Redis says that it is alive.
pub const REDIS_BEAT_MS: u64 = 150;
/// One that is silent for longer is gone, if it does not listen for messages either.
pub const REDIS_SILENT_MS: u64 = 300;
/// One that is silent for longer is gone.
pub const REDIS_GONE_MS: u64 = 2_000;
/// The list of the gateways that share a Redis goes this long after the last of them.
pub const REDIS_MEMBERS_KEPT_MS: u64 = 60_000;
