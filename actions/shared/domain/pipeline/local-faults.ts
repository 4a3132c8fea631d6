import { componentKind, isVolumeTask } from "./component-kind.ts";
import { unreadableCondition } from "./condition.ts";
import type { PackageFault, PackagePath, PipelinePackage } from "./package.ts";
import { dags, type TaskSite } from "./tasks.ts";

/** What the local engine cannot run, or runs otherwise than a cluster does. */
export function localFaults(
  pipeline: PipelinePackage,
  sites: readonly TaskSite[],
  engine: { readonly runsContainers: boolean },
): readonly PackageFault[] {
  return [
    ...sites.flatMap(volumeFaults),
    ...(engine.runsContainers ? [] : sites.flatMap(containerFaults)),
    ...sites.flatMap(importerFaults),
    ...dags(pipeline).flatMap(conditionFaults),
    ...platformFaults(pipeline),
  ];
}

function pathOf(executorLabel: string): PackagePath {
  return [0, "deploymentSpec", "executors", executorLabel, "container"];
}

/** KFP's driver makes and removes volumes by images that are never pulled. */
function volumeFaults({ executor, executorLabel, path: task }: TaskSite): readonly PackageFault[] {
  if (!isVolumeTask(executor)) return [];
  return [
    {
      level: "error",
      path: pathOf(executorLabel),
      rule: `task ${task} makes or removes a volume of Kubernetes, which the local engine does not have`,
      saw: executor.container?.image ?? "",
      hint: "hand files on as artifacts, or run the pipeline on a cluster",
    },
  ];
}

function containerFaults({ executor, executorLabel, path: task }: TaskSite): readonly PackageFault[] {
  if (isVolumeTask(executor)) return [];
  const hint = "start docker or podman on this machine, or run the pipeline on a cluster";
  switch (componentKind(executor)) {
    case "container":
      return [
        {
          level: "error",
          path: pathOf(executorLabel),
          rule: `task ${task} is a container component, and there is no container engine on this machine to run it`,
          hint: `make it a component of Python (@dsl.component), or ${hint}`,
        },
      ];
    case "containerized":
      return [
        {
          level: "error",
          path: pathOf(executorLabel),
          rule: `task ${task} is a containerized component (target_image): its code is in the image, and there is no container engine on this machine to run it`,
          hint: `build the component without target_image, or ${hint}`,
        },
      ];
    default:
      return [];
  }
}

function importerFaults({ executor, executorLabel, path: task }: TaskSite): readonly PackageFault[] {
  const importer = executor.importer;
  const uri = importer?.artifactUri.constant;
  if (importer === undefined || typeof uri !== "string" || !/^[a-z][a-z0-9+.-]*:\/\//i.test(uri)) return [];
  if (uri.startsWith("file://") && importer.downloadToWorkspace !== true)
    return [
      importerFault({
        executorLabel,
        task,
        uri,
        rule: "is not found by its path",
        hint: "write the path without file://",
      }),
    ];
  if (uri.startsWith("file://")) return [];
  return [
    importerFault({
      executorLabel,
      task,
      uri,
      rule: "is not fetched by the local engine: a task that reads its path finds nothing",
      hint: "read it by its uri, or name it under `data` and load it in a component",
    }),
  ];
}

function importerFault(of: {
  readonly executorLabel: string;
  readonly task: string;
  readonly uri: string;
  readonly rule: string;
  readonly hint: string;
}): PackageFault {
  return {
    level: "warning",
    path: [0, "deploymentSpec", "executors", of.executorLabel, "importer"],
    rule: `what task ${of.task} imports ${of.rule}`,
    saw: of.uri,
    hint: of.hint,
  };
}

function conditionFaults(dag: ReturnType<typeof dags>[number]): readonly PackageFault[] {
  return Object.entries(dag.tasks).flatMap(([name, task]) => {
    const condition = task.triggerPolicy?.condition ?? "";
    const rest = unreadableCondition(condition);
    if (rest === undefined) return [];
    return [
      {
        level: "error",
        path: [...dag.path, "dag", "tasks", name, "triggerPolicy", "condition"],
        rule: `the condition of ${name} cannot be evaluated by any engine`,
        saw: `${rest} in ${condition}`,
        hint: "compare with a string that has no apostrophe, or compare in a component that returns a bool",
      },
    ];
  });
}

/** Settings of Kubernetes that decide what a task can reach; those that only place it are left out. */
const REACH = [
  "secretAsEnv",
  "secretAsVolume",
  "configMapAsEnv",
  "configMapAsVolume",
  "pvcMount",
  "genericEphemeralVolume",
  "emptyDirMounts",
  "initContainers",
];

function platformFaults({ platform }: PipelinePackage): readonly PackageFault[] {
  const executors = platform?.platforms.kubernetes?.deploymentSpec.executors ?? {};
  return Object.entries(executors).flatMap(([label, settings]) => {
    const lost = REACH.filter((name) => settings[name] !== undefined);
    if (lost.length === 0) return [];
    return [
      {
        level: "warning",
        path: [1, "platforms", "kubernetes", "deploymentSpec", "executors", label],
        rule: `executor ${label} has settings of Kubernetes that the local engine does not know`,
        saw: lost.join(", "),
        hint: "name environment variables that the tasks need in `pass-env`",
      },
    ];
  });
}
