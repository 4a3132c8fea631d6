import type { Served } from "../../shared/ports/serving.ts";
import type { Outcome, StatusServed } from "../outcome.ts";
import { nameOfModel } from "../prepare/subject.ts";
import { formatHolder } from "../rollout/take-lease.ts";
import type { DeployStep, Ports } from "../step.ts";

/** What serves, which rollout is under way and who is at it. Changes nothing. */
export async function status(step: DeployStep, ports: Ports): Promise<Outcome> {
  const name = nameOfModel(step);
  const { address, serving, journal, lease } = await ports.open({ name });
  const [now, entry, holder] = [await serving.current(), await journal.read(), await lease.holder()];
  return {
    target: address,
    rehearsal: false,
    allowHold: false,
    url: now.url,
    state: "status",
    status: {
      name,
      stable: describe(now.stable),
      candidate: describe(now.candidate),
      share: now.share,
      holder: holder === undefined ? undefined : formatHolder(holder),
      entry,
    },
  };
}

function describe(served: Served | undefined): StatusServed | undefined {
  if (served === undefined) return undefined;
  const { model, url, runs, ended } = served;
  return { version: model.version, url, how: formatRuns(runs), ended };
}

function formatRuns(runs: Served["runs"]): string {
  switch (runs.as) {
    case "container":
      return `container of ${runs.image}`;
    case "process":
      return "process, image not executed";
    case "pods":
      return `${runs.kind}, ${runs.ready} of ${runs.wanted} pods ready${runs.image === undefined ? "" : `, of ${runs.image}`}`;
  }
}
