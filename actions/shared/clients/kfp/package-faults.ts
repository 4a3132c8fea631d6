import { gpuRequests } from "../../domain/pipeline/gpus.ts";
import type { PackageFault, PackagePath } from "../../domain/pipeline/package.ts";
import { checkParameters } from "../../domain/pipeline/parameters.ts";
import { dags, type TaskSite, taskSites } from "../../domain/pipeline/tasks.ts";
import type { RunRequest } from "../../ports/pipeline-engine.ts";
import { LONGEST_PIPELINE, LONGEST_VERSION, type Names } from "./names.ts";
import { LARGEST_PACKAGE, tooLarge } from "./upload.ts";

/** From here on a workflow comes near what Kubernetes stores of one object (about 1.5 MiB, and it is a few times the package). */
const BIG_PACKAGE = 256 * 1024;

/** What would go wrong with a package on Kubeflow Pipelines, seen in the package alone. Images are checked where they are pinned. */
export function kubeflowFaults({ work, parameters }: RunRequest, text: string, names: Names): readonly PackageFault[] {
  const sites = taskSites(work.package);
  return [
    ...sizeFaults(Buffer.byteLength(text)),
    ...nameFaults(names),
    ...gpuRequests(sites, parameters).faults,
    ...tolerationFaults(work.package.platform, sites),
    ...unsupported(work.package),
    ...checkParameters(work.package, parameters, () => ({})).problems.map(
      ({ where: _, ...problem }): PackageFault => ({
        level: "error",
        path: [0, "root", "inputDefinitions", "parameters"],
        ...problem,
      }),
    ),
  ];
}

function sizeFaults(bytes: number): readonly PackageFault[] {
  if (bytes > LARGEST_PACKAGE) return [{ level: "error", path: [0], ...tooLarge(bytes) }];
  if (bytes <= BIG_PACKAGE) return [];
  return [
    {
      level: "warning",
      path: [0],
      rule: "a package of this size may not fit into a workflow: Kubernetes takes objects of about 1.5 MiB, and a workflow is a few times its package",
      saw: `${Math.round(bytes / 1024)} KiB`,
      allowed: `${BIG_PACKAGE / 1024} KiB without this warning`,
      hint: "put code into the image instead of embedding it",
    },
  ];
}

function nameFaults({ pipeline, version, pipelineTitle, versionTitle }: Names): readonly PackageFault[] {
  const checks = [
    { what: "pipeline", name: pipeline, title: pipelineTitle, most: LONGEST_PIPELINE, input: "pipeline-name" },
    { what: "version", name: version, title: versionTitle, most: LONGEST_VERSION, input: "version" },
  ];
  return checks.flatMap(({ what, name, title, most, input }): readonly PackageFault[] => {
    const path: PackagePath = [0, "pipelineInfo", "name"];
    const hint = `give another \`${input}\``;
    if (name === "")
      return [{ level: "error", path, rule: `the name of a ${what} is a DNS name on this server`, saw: title, hint }];
    if (name.length > most)
      return [
        {
          level: "error",
          path,
          rule: `the name of the ${what} is too long`,
          saw: `${name.length} characters`,
          allowed: `${most}`,
          hint,
        },
      ];
    if (what === "pipeline" && name.includes("/"))
      return [{ level: "error", path, rule: "the server finds no pipeline with a `/` in its name", saw: name, hint }];
    return [];
  });
}

type Settings = { readonly tolerations?: readonly unknown[] };

function tolerationFaults(
  platform: RunRequest["work"]["package"]["platform"],
  sites: readonly TaskSite[],
): readonly PackageFault[] {
  const settings = platform?.platforms.kubernetes?.deploymentSpec.executors ?? {};
  return sites.flatMap(({ executor, executorLabel, path }) => {
    const accelerator = executor.container?.resources?.accelerator;
    if (accelerator === undefined || (settings[executorLabel] as Settings | undefined)?.tolerations?.length) return [];
    return [
      {
        level: "notice" as const,
        path: [0, "deploymentSpec", "executors", executorLabel, "container", "resources", "accelerator"] as const,
        rule: `task ${path} asks for an accelerator and tolerates no taint: on nodes that are kept for GPU work it is never scheduled`,
        hint: "where your GPU nodes have a taint: kubernetes.add_toleration(task, key='nvidia.com/gpu', operator='Exists', effect='NoSchedule')",
      },
    ];
  });
}

/** What the SDK compiles, and the server's compiler refuses only when a run is started. */
function unsupported(pipeline: RunRequest["work"]["package"]): readonly PackageFault[] {
  return dags(pipeline).flatMap((dag) =>
    Object.entries(dag.tasks).flatMap(([name, task]): readonly PackageFault[] => {
      const path: PackagePath = [...dag.path, "dag", "tasks", name];
      if (task.artifactIterator !== undefined)
        return [
          { level: "error", path, rule: `task ${name} loops over artifacts, which Kubeflow Pipelines does not run` },
        ];
      const component = pipeline.spec.components[task.componentRef.name];
      const importer = pipeline.spec.deploymentSpec.executors[component?.executorLabel ?? ""]?.importer;
      if (importer !== undefined && (task.triggerPolicy?.condition ?? "") !== "")
        return [
          {
            level: "error",
            path,
            rule: `task ${name} is an importer with a condition, which Kubeflow Pipelines does not run`,
          },
        ];
      return [];
    }),
  );
}
