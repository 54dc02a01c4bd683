/*
 * The numbers of generated configuration. Each is set explicitly, so that Envoys of different versions, whose own
 * defaults differ, behave alike; each says why it is what it is.
 */

/** A number (or word) of the profile and the reason for it, in a sentence. */
export interface Setting<T> {
  readonly value: T;
  readonly why: string;
}

function setting<T>(value: T, why: string): Setting<T> {
  return { value, why };
}

const MIB = 1024 * 1024;

export const CONNECT_TIMEOUT = setting(
  "1s",
  "Connecting within a region takes far less; Envoy's 5 s would make each dead host cost 5 s.",
);

export const MAX_CONCURRENT_STREAMS = setting(
  100,
  "Until the server's own limit has arrived Envoy puts up to this many requests on a new connection, and a server with a lower limit refuses the rest; 100 is what practically all servers allow.",
);

export const STREAM_WINDOW = setting(
  MIB,
  "Enough for 100 MB/s on each stream at 10 ms round trip; also the limit of what is buffered for one stream.",
);

export const CONNECTION_WINDOW = setting(16 * MIB, "Sixteen full streams; it bounds the memory of one connection.");

export const IDLE_PROBE = setting(
  "10s",
  "A connection that was idle this long is probed before it is used, which finds half-dead ones; a fixed ping interval would make gRPC servers close the connection.",
);

export const PROBE_TIMEOUT = setting("5s", "A probe that is not answered this long means that the connection is dead.");

export const HTTP2_IDLE_TIMEOUT = setting(
  "300s",
  "Connections are few and worth keeping; five idle minutes is enough.",
);

export const HTTP1_IDLE_TIMEOUT = setting(
  "4s",
  "Envoy must close an idle HTTP/1.1 connection before the server does, or a request meets a closing connection; common servers close after 5 s.",
);

export const DNS_CONNECTION_AGE = setting(
  "3600s",
  "Behind a name may be a load balancer that chooses a server per connection; connections are renewed so that new servers get a share.",
);

export const DNS_FAMILY = setting(
  "V4_PREFERRED",
  "A name with both kinds of address is reached over IPv4, as long as it has one.",
);

export const MAX_REQUESTS = setting(
  10_000,
  "The real ceiling for HTTP/2: requests in flight to one version from one Envoy; Envoy's 1024 is met by ordinary bursts.",
);

export const MAX_CONNECTIONS = setting(1024, "Connections to one version from one Envoy; HTTP/2 stays far below it.");

export const MAX_PENDING = setting(
  1024,
  "Requests that wait for a connection; with HTTP/2 only while the first is made.",
);

export const MIN_RETRIES = setting(
  3,
  "So many retries may run at once before the budget counts, so that a quiet service can retry at all.",
);

export const OUTLIER_ERRORS = setting(5, "A host is set aside after so many errors in a row.");

export const OUTLIER_INTERVAL = setting("10s", "How often hosts are looked at for ejection and return.");

export const OUTLIER_EJECTION = setting("30s", "The first ejection of a host; later ones are longer.");

export const OUTLIER_JITTER = setting("5s", "Ejected hosts do not return in all Envoys at the same moment.");

export const OUTLIER_PERCENT = setting(20, "No more than this share of the hosts is ejected at once.");

export const OUTLIER_ALWAYS_ONE = setting(
  true,
  "Without it a version with few hosts ejects none of them, and every third request to a broken one of three fails.",
);

export const PANIC_THRESHOLD = setting(
  50,
  "With fewer healthy hosts than this Envoy sends to all of them: a few overloaded hosts would fail as well.",
);

export const SLOW_START = setting("30s", "A host that joins gets its full share after this time.");

export const SLOW_START_LEAST = setting(10, "Percent of its share that a joining host gets at once.");

export const TCP_KEEPALIVE_IDLE_S = setting(30, "Dead peers are found also where no HTTP/2 probe is sent.");
export const TCP_KEEPALIVE_INTERVAL_S = setting(5, "Time between TCP probes.");
export const TCP_KEEPALIVE_PROBES = setting(3, "TCP probes before a connection counts as dead.");

export const UPSTREAM_BUFFER = setting(MIB, "Bytes buffered for one connection; Envoy's default, written out.");

export const EDGE_BUFFER = setting(
  32 * 1024,
  "Bytes buffered for one client connection; clients at the edge are many and unknown.",
);

export const EDGE_STREAM_WINDOW = setting(64 * 1024, "What one request of an unknown client may have in flight.");

export const EDGE_CONNECTION_WINDOW = setting(MIB, "What one connection of an unknown client may have in flight.");

export const FETCH_TIMEOUT = setting(
  "5s",
  "Envoy waits so long for endpoints or routes that do not come; without a bound one missing name would withhold every answer for ever.",
);

export const RETRY_ON = setting(
  "connect-failure,refused-stream,reset-before-request",
  "Only what cannot have reached the application, so that every method may be tried again.",
);

export const RETRY_BACK_OFF = setting("0.025s", "The first retry waits up to this long.");
export const RETRY_BACK_OFF_MAX = setting("0.250s", "No retry waits longer than this.");

export const RETRY_OTHER_HOST = setting(3, "A retry looks this many times for a host that was not tried yet.");

export const STREAM_IDLE_TIMEOUT_S = setting(300, "A request on which nothing moves for this long is ended.");

export const REQUEST_HEADERS_TIMEOUT = setting("10s", "A client that sends its headers slower than this is not one.");

export const CLIENT_IDLE_TIMEOUT = setting("3600s", "Client connections without requests are closed after this time.");

export const DRAIN_TIMEOUT = setting("5s", "Clients get this long to notice that a connection is going away.");

export const XDS_RETRY_BASE_MS = setting(
  100,
  "An Envoy that lost Belay asks again soon: it serves on, but hears nothing.",
);

export const XDS_RETRY_MAX_MS = setting(10_000, "The longest wait between two tries to reach Belay.");

export const XDS_PING = setting(
  "30s",
  "Belay does not mind being pinged, and a dead connection to it is noticed within 35 s.",
);

export const XDS_BREAKER = setting(100_000, "The way to Belay is never closed by a circuit breaker.");

export const REGEX_PROGRAM_SIZE = setting(
  1_000,
  "Envoy refuses regular expressions over 100 RE2 instructions; ordinary ones need more.",
);

export const CLIENT_CONNECTIONS = setting(
  50_000,
  "Client connections of one Envoy; beyond it new ones are refused, where without a limit memory would decide.",
);
