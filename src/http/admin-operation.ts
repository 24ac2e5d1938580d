// What an admin changes about the operation of parlor: llama-servers, answers that run, the enforced persona.

import { Failure } from "../domain/failure.ts";
import { type AdminAction, type AdminDependencies, noteAct } from "./admin-action.ts";

/** Actions by their path below /admin. */
export function operationActions(dependencies: AdminDependencies): Readonly<Record<string, AdminAction>> {
  const { runs, queue, settings, enforced, servers } = dependencies;
  return {
    "/servers": async (c, { add, remove }) => {
      if (remove !== undefined) await servers.remove(remove);
      else await servers.add(add ?? "");
      await noteAct(c, dependencies, "upstreams_changed", "");
      return undefined;
    },

    "/stop": async (c, { run = "" }) => {
      const owner = queue.now.find((each) => each.run === run)?.owner;
      if (!owner || !runs.stop({ id: run })) throw new Failure("not_found");
      await noteAct(c, dependencies, "run_stopped", owner);
      return undefined;
    },

    "/persona": async (c, { persona = "" }) => {
      if (enforced.isFixed) throw new Failure("bad_request", { detail: "--enforce-persona" });
      const chosen = persona === "" ? null : persona;
      await settings.check({ persona: chosen, sampling: {} });
      await enforced.set(chosen);
      await noteAct(c, dependencies, "persona_enforced", persona);
      return undefined;
    },
  };
}
