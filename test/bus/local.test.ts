// The Bus of one process keeps the Bus's promises.

import { localBus } from "../../src/bus/local.ts";
import { busContract } from "../contract/bus.ts";

busContract("local", async () => localBus());
