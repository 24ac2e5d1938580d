// A house whose Runs are three steps, as a process of its own that kills itself where its environment says:
// KILL=within:N in step N, after:N when step N has ended and nothing more of it is stored, before:N when the
// beginning of step N is stored and its request is not sent. Prints its address.

import { startHouse } from "../house.ts";

const { LLAMA = "", FILE = "", PORT = "0", PERSONAS = "", KILL = "" } = process.env;
const [when, which] = KILL.split(":");
const dieAt = (place: string, step: number) => {
  if (place === when && step === Number(which)) process.kill(process.pid, "SIGKILL");
};

const house = await startHouse({
  ...{ llama: LLAMA, file: FILE, personas: PERSONAS, port: Number(PORT), enforcedPersona: "brief" },
  bounds: { checkpointEveryMs: 20 },
  goesOn({ written }, { finish }) {
    const isMore = finish === "length" && written.step < 2;
    if (isMore) dieAt("after", written.step);
    return isMore;
  },
  checkpointed(drafts) {
    for (const { step, pieces } of drafts) dieAt(pieces.length > 0 ? "within" : "before", step);
  },
});
console.log(house.url);
