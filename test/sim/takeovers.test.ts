// Some seconds of what `make soak CLUSTER=1` does for half an hour. If this fails, run it again with the seed that
// is in its name.

import { expect, test } from "bun:test";
import { survive } from "./takeovers.ts";

for (const seed of [1, 2]) {
  test(`seed ${seed}: parlors die, freeze and are cut off while people and programs ask, and the books balance`, async () => {
    const { answers, runs, faults } = await survive(seed, 6_000);
    expect(answers).toBeGreaterThan(0);
    expect(runs).toBeGreaterThan(10);
    expect(Object.values(faults).reduce((sum, count) => sum + count, 0)).toBeGreaterThan(2);
  });
}
