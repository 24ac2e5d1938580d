// How long a test and its hooks may take, as a last resort: waits have a shorter bound of their own (test/llama/server.ts) and say what they
// waited for. It is long since the runner ends all processes of a file, its browser and its house too, with a test that runs out of it.
// Read before every file of tests (bunfig.toml; of several only with --isolate or --parallel).

import { setDefaultTimeout } from "bun:test";

setDefaultTimeout(300_000);
