import { formatPercent } from "../../domain/quantity.ts";
import { type DemoEngine, MARK } from "./engine.ts";
import type { Released } from "./release.ts";
import type { Serving } from "./serving.ts";

const DECISIONS = { "v1.0.0": "promoted", "v1.1.0": "promoted", "v1.2.0": "rolled-back" } as const;

/** What happened, one row a release. */
export function formatReleases(released: readonly Released[]): string {
  const head = ["release", "images", "run", "accuracy", "gate", "model", "rollout", "took"];
  const rows = [head, ...released.map(rowOf)];
  const widths = head.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const lines = rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
  lines.splice(1, 0, widths.map((width) => "-".repeat(width)).join("  "));
  return lines.join("\n");
}

function rowOf({ tag, record, outputs, seconds, red }: Released): readonly string[] {
  const images = Object.values(record.images ?? {}).map(({ how }) => how);
  const accuracy = record.metrics?.find(({ name }) => name === "accuracy")?.value;
  const { deployment } = record;
  const exposure = deployment === undefined ? "" : ` at ${formatPercent(deployment.exposure)}`;
  return [
    tag,
    [...new Set(images)].map((how) => `${images.filter((one) => one === how).length} ${how}`).join(", "),
    `${record.run?.state ?? "none"}${outputs["run-pipeline"]?.adopted === "true" ? ", adopted" : ""}`,
    typeof accuracy === "number" ? accuracy.toFixed(3) : "",
    record.gate?.verdict ?? "",
    `${record.model?.version ?? ""}${outputs["register-model"]?.existed === "true" ? ", existed" : ""}`,
    deployment === undefined
      ? red === undefined
        ? ""
        : `stopped at ${red.action}`
      : `${deployment.decision}${exposure}`,
    `${seconds.toFixed(0)} s`,
  ];
}

export type Demonstrated = {
  readonly released: readonly Released[];
  readonly engine: DemoEngine;
  readonly serving: Serving | undefined;
};

/** What differs from what the three releases are made to show. */
export function unexpected({ released, engine, serving }: Demonstrated): readonly string[] {
  const mark = engine.state === "found" ? MARK : undefined;
  return [
    ...released.flatMap(unexpectedDecision),
    ...released.flatMap((one) => unexpectedImage(one, engine)),
    ...(serving?.version === "1.1.0" ? [] : [`1.1.0 is to serve in the end; saw ${serving?.version ?? "nothing"}`]),
    ...(serving?.imageMark === mark ? [] : [`the image's mark is to be ${mark}; saw ${serving?.imageMark}`]),
  ];
}

function unexpectedImage({ tag, record, trainedIn }: Released, engine: DemoEngine): readonly string[] {
  const wanted = engine.state === "found" ? record.images?.trainer?.ref : undefined;
  return trainedIn === wanted
    ? []
    : [`${tag} is to be trained in ${wanted ?? "a process"}; saw ${trainedIn ?? "a process"}`];
}

function unexpectedDecision({ tag, record, red }: Released): readonly string[] {
  const wanted = DECISIONS[tag as keyof typeof DECISIONS];
  const seen = record.deployment?.decision ?? `no rollout (${red?.headline ?? "no step is red"})`;
  return seen === wanted ? [] : [`${tag} is to end as ${wanted}; saw ${seen}`];
}
