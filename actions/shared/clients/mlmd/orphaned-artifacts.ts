import type { Artifact, Event } from "./messages.ts";
import type { PlacedExecution } from "./run-tasks.ts";

export type Orphans = {
  /** Outputs that no event tells of, by the execution that they are taken for. */
  readonly found: ReadonlyMap<number, readonly Orphan[]>;
  readonly notices: readonly string[];
};

export type Orphan = { readonly output: string; readonly artifact: Artifact };

type Recorded = {
  readonly artifacts: readonly Artifact[];
  readonly events: readonly Event[];
  readonly root: string;
  readonly current: readonly PlacedExecution[];
};

/**
 * Artifacts of a run without any event: which task made one is told by its address (`<root>/<task>/…/<output>`), or by there being only one task.
 */
export function orphanedArtifacts({ artifacts, events, root, current }: Recorded): Orphans {
  const told = new Set(events.map((event) => event.artifactId));
  const orphans = artifacts.filter((artifact) => !told.has(artifact.id));
  const placed = orphans.map((artifact) => {
    const [task, ...rest] = segmentsBelow(root, artifact.uri);
    const named = current.filter((one) => one.task === task || one.execution.properties.task_name === task);
    const [owner, ...others] = named.length > 0 ? named : current;
    const shown = artifact.properties.display_name;
    const output = rest.at(-1) ?? (typeof shown === "string" && shown !== "" ? shown : `artifact-${artifact.id}`);
    return { output, artifact, owner: others.length > 0 ? undefined : owner?.execution.id };
  });
  const lost = placed.filter((one) => one.owner === undefined).map(({ output }) => output);
  return {
    found: Map.groupBy(
      placed.filter((one) => one.owner !== undefined),
      (one) => one.owner ?? 0,
    ),
    notices: lost.length === 0 ? [] : [`no event tells which task made ${lost.slice(0, 10).join(", ")}: left out`],
  };
}

function segmentsBelow(root: string, uri: string): readonly string[] {
  if (root === "" || !uri.startsWith(`${root}/`)) return [];
  return uri.slice(root.length + 1).split("/");
}
