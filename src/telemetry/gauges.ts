// Metrics whose values are read from the running app: which there are, and what they say. Their text format
// is made in telemetry/metrics.

/** Values that are read when the metrics are requested. */
export interface Gauges {
  /** Null where another process of the house has the queue: sums over all processes count it once. */
  queue(): QueueGauges | null;
  isUpstreamReady(): boolean;
  /** Status and slots of each llama-server. */
  servers(): readonly { readonly url: string; readonly status: string; readonly slots: number }[];
  /** Null where this process is alone. */
  membership(): { readonly isLeading: boolean; readonly term: number } | null;
  /** Number of open sockets by kind. */
  sockets(): Readonly<Record<string, number>>;
}

interface QueueGauges {
  readonly running: number;
  readonly waiting: number;
  readonly slots: number;
  readonly foreignSlots: number;
}

/** A metric without a value now has null. */
interface PlainGauge {
  readonly name: string;
  readonly help: string;
  value(): number | null;
}

/** A metric with one value for each value of its label. */
interface LabelledGauge {
  readonly name: string;
  readonly help: string;
  readonly label: string;
  values(): readonly (readonly [string, number])[];
}

export function plainGauges({ queue, membership, isUpstreamReady }: Gauges): readonly PlainGauge[] {
  const ofQueue = (key: keyof QueueGauges) => () => queue()?.[key] ?? null;
  const leads = () => {
    const now = membership();
    return now && Number(now.isLeading);
  };
  const gauges = [
    ["parlor_runs_running", "Runs that hold a slot", ofQueue("running")],
    ["parlor_runs_waiting", "Runs that wait in the queue", ofQueue("waiting")],
    ["parlor_slots", "Slots that llama-server has", ofQueue("slots")],
    ["parlor_slots_stray", "Slots that other clients of llama-server use", ofQueue("foreignSlots")],
    ["parlor_upstream_ready", "1 while llama-server is ready", () => Number(isUpstreamReady())],
    ["parlor_leader", "1 while this process leads, of several", leads],
    ["parlor_term", "Number of the leader, of several processes", () => membership()?.term ?? null],
  ] as const;
  return gauges.map(([name, help, value]) => ({ name, help, value }));
}

export function labelledGauges({ queue, servers, sockets }: Gauges): readonly LabelledGauge[] {
  return [
    {
      ...{ name: "parlor_server_ready", help: "1 while this llama-server is ready", label: "url" },
      values: () => servers().map(({ url, status }) => [url, status === "ready" ? 1 : 0]),
    },
    {
      ...{ name: "parlor_server_slots", help: "Slots of this llama-server", label: "url" },
      values: () => (queue() === null ? [] : servers().map(({ url, slots }) => [url, slots])),
    },
    {
      ...{ name: "parlor_sockets", help: "Open sockets, by kind", label: "kind" },
      values: () => Object.entries(sockets()),
    },
  ];
}
