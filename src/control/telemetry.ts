/** What comes over the services whose content is not kept yet. */
export type TelemetryKind = "metrics" | "access-log";

/** What has come over one of them since the process started. */
export interface TelemetryCounts {
  /** Streams that are open now. */
  readonly open: number;
  readonly messages: number;
  /** Families of metrics, or requests in a log. */
  readonly entries: number;
  readonly bytes: number;
  /** Messages that could not be read; they are among the messages. */
  readonly unreadable: number;
}

/** One stream that sends telemetry. */
export interface TelemetrySource {
  readonly kind: TelemetryKind;
  /** Empty where the stream has not said it. */
  readonly nodeId: string;
  /** Name of the access log; empty for metrics. */
  readonly log: string;
}

/** Where one stream counts. */
export interface TelemetryStream {
  named(nodeId: string, log: string): void;
  /** @param entries undefined where the message could not be read */
  received(bytes: number, entries: number | undefined): void;
  close(): void;
}

type Counts = { -readonly [K in keyof TelemetryCounts]: TelemetryCounts[K] };

/**
 * Metrics and access logs that Envoys push: they are taken, so that no Envoy waits or warns, counted and let go. Keeps a
 * line for each open stream and nothing of what they send.
 */
export class Telemetry {
  readonly #counts: Readonly<Record<TelemetryKind, Counts>> = { metrics: noCounts(), "access-log": noCounts() };
  readonly #sources = new Set<TelemetrySource>();

  open(kind: TelemetryKind): TelemetryStream {
    const counts = this.#counts[kind];
    let source: TelemetrySource = { kind, nodeId: "", log: "" };
    this.#sources.add(source);
    counts.open += 1;
    return {
      named: (nodeId, log) => {
        this.#sources.delete(source);
        source = { kind, nodeId, log };
        this.#sources.add(source);
      },
      received: (bytes, entries) => {
        counts.messages += 1;
        counts.bytes += bytes;
        if (entries === undefined) counts.unreadable += 1;
        else counts.entries += entries;
      },
      close: () => {
        if (this.#sources.delete(source)) counts.open -= 1;
      },
    };
  }

  counts(kind: TelemetryKind): TelemetryCounts {
    return { ...this.#counts[kind] };
  }

  /** Who is sending now. */
  sources(): readonly TelemetrySource[] {
    return [...this.#sources];
  }
}

function noCounts(): Counts {
  return { open: 0, messages: 0, entries: 0, bytes: 0, unreadable: 0 };
}
