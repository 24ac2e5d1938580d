// The part of the table of options about a house that outgrows one process: its database, and the other
// processes.

import type { Option } from "./options.ts";

export const houseOptions = {
  db: {
    flag: "db",
    env: "PARLOR_DB",
    value: "URL",
    default: null,
    doc: "the database that keeps everything instead of a file in --data: postgres://USER@HOST/NAME, 15 or newer",
    isSecret: true,
  },
  bus: {
    flag: "bus",
    env: "PARLOR_BUS",
    value: "URL",
    default: null,
    doc: "redis://HOST:PORT carries events between processes (Redis or Valkey) instead of the --db",
    isSecret: true,
  },
  clusterUrl: {
    flag: "cluster-url",
    env: "PARLOR_CLUSTER_URL",
    value: "URL",
    default: null,
    doc: "where the other parlors on this --db reach this one, such as http://10.0.0.5:8081",
    isUrl: true,
  },
  clusterKey: {
    flag: "cluster-key",
    env: "PARLOR_CLUSTER_KEY",
    value: "KEY",
    default: null,
    doc: "the secret that all parlors on this --db share, at least 16 characters",
    isSecret: true,
  },
} as const satisfies Record<string, Option>;
