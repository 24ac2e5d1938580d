// What each engine needs to take in the rows of another database with their numbers.

import { all, change, type Work } from "./database.ts";
import type { Intake } from "./house-copy.ts";

export const sqliteIntake: Intake = {
  overriding: "",
  statementRows: 1, // it has no way to go: more would save nothing
  *settle(): Work<void> {},
};

export const postgresIntake: Intake = {
  overriding: "overriding system value",
  statementRows: 50,
  *settle(tables): Work<void> {
    for (const { name, key } of tables) {
      if (key[0] === "seq")
        yield* all(
          `select setval(pg_get_serial_sequence('${name}', 'seq'), coalesce(max(seq), 0) + 1, false) from ${name}`,
        );
      yield* change(`analyze ${name}`);
    }
    for (const name of ["passage_terms", "passage_lists", "passage_sizes"]) yield* change(`analyze ${name}`);
  },
};
