// A quarter of a minute of what `make soak` does for half an hour. If this fails, run it again with the seed that is in its name.

import { expect, test } from "bun:test";
import { soak } from "./soak.ts";

for (const seed of [1, 2]) {
  test(`seed ${seed}: llama-servers fail in every way while people and programs ask, and the books balance`, async () => {
    const { answers, faults } = await soak(seed, 6_000);
    expect(answers).toBeGreaterThan(0);
    expect(Object.values(faults).reduce((sum, count) => sum + count, 0)).toBeGreaterThan(2);
  });
}
