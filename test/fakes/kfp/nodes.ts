import type { JsonObject } from "./answer.ts";
import { type Course, courseOf, KILL_MS, type Leg, type Phase, type TaskCourse } from "./course.ts";
import { type Try, timeText, type Workflow } from "./state.ts";

export type Node = {
  readonly id: string;
  readonly name: string;
  readonly displayName: string;
  readonly type: "DAG" | "Pod" | "TaskGroup" | "Skipped";
  readonly templateName: string;
  readonly phase: Phase;
  readonly boundaryID?: string;
  readonly message?: string;
  readonly startedAt: string;
  readonly finishedAt: string | null;
  readonly children?: readonly string[];
  readonly outputs?: JsonObject;
};

export type WorkflowStatus = {
  readonly phase: "Running" | "Succeeded" | "Failed" | "Error";
  readonly startedMs: number;
  readonly finishedMs: number | undefined;
  readonly message: string | undefined;
  readonly progress: string;
  readonly nodes: readonly Node[];
};

const DEADLINE = "Step exceeded its deadline";

/** What the controller says of a try at a moment; undefined where it has not looked at it yet. */
export function statusAt(workflow: Workflow, one: Try, atMs: number): WorkflowStatus | undefined {
  const course = courseOf(one);
  const killedMs = one.terminatedMs === undefined ? undefined : one.terminatedMs + KILL_MS;
  const endedMs = killedMs !== undefined && atMs >= killedMs ? killedMs : undefined;
  const isEnded = endedMs !== undefined;
  if (atMs < course.upMs && !isEnded) return undefined;
  const moment: Moment = { workflow, course, atMs, endedMs };
  const isOver = isEnded || atMs >= course.endMs;
  const failed = course.tasks.filter((task) => task.outcome === "Failed" || task.outcome === "Error");
  const phase = !isOver ? "Running" : isEnded || failed.length > 0 ? "Failed" : "Succeeded";
  const done = course.tasks.filter((task) => task.endMs <= atMs && task.outcome === "Succeeded");
  return {
    phase,
    startedMs: Math.min(course.upMs, atMs),
    finishedMs: isOver ? (endedMs ?? course.endMs) : undefined,
    message: isEnded ? "Stopped with strategy 'Terminate'" : undefined,
    progress: `${done.length}/${course.tasks.length}`,
    nodes: nodesAt(moment, phase),
  };
}

type Moment = {
  readonly workflow: Workflow;
  readonly course: Course;
  readonly atMs: number;
  /** When everything that was not over was ended. */
  readonly endedMs: number | undefined;
};

function nodesAt(moment: Moment, phase: Phase): readonly Node[] {
  const { workflow, course, atMs } = moment;
  if (atMs < course.upMs) return [];
  const wf = workflow.name;
  const rootDriver: Leg = {
    fromMs: course.upMs,
    endMs: course.rootDriverEndMs,
    outcome: "Succeeded",
    message: undefined,
    stretches: [{ fromMs: course.upMs, phase: "Running" }],
  };
  const nodes: Node[] = [
    podNode(moment, { name: `${wf}.root-driver`, boundary: wf, template: "system-dag-driver", leg: rootDriver }),
  ];
  if (atMs >= course.rootDriverEndMs) nodes.push(...tasksAt(moment));
  const entry = dagNode(moment, { name: wf, boundary: undefined, template: "entrypoint", fromMs: course.upMs, phase });
  const all = [entry, ...nodes];
  return all.map((node) => {
    const children = all.filter((other) => other.boundaryID === node.id).map((other) => other.id);
    return children.length === 0 ? node : { ...node, children };
  });
}

/** The DAGs, from the outside, then the tasks in them. */
function tasksAt(moment: Moment): readonly Node[] {
  const { workflow, course, atMs } = moment;
  const root = `${workflow.name}.root`;
  const shown = course.tasks.filter(
    (task) => task.startMs <= atMs && (moment.endedMs === undefined || task.startMs < moment.endedMs),
  );
  const dags = new Map<string, readonly TaskCourse[]>([["", course.tasks]]);
  for (const task of course.tasks)
    for (let depth = 1; depth <= (task.task.within ?? []).length; depth++) {
      const path = (task.task.within ?? []).slice(0, depth).join("/");
      dags.set(path, [...(dags.get(path) ?? []), task]);
    }
  const dagNodes = [...dags].flatMap(([path, inside]) => {
    const begun = inside.filter((task) => shown.includes(task));
    if (begun.length === 0 && path !== "") return [];
    return dagNodesOf(moment, { path, inside, root });
  });
  return [...dagNodes, ...shown.flatMap((task) => taskNodes(moment, { task, root }))];
}

type Dag = { readonly path: string; readonly inside: readonly TaskCourse[]; readonly root: string };

/** A loop is three DAGs and a group: iterator, iterations, one iteration, its content. */
function dagNodesOf(moment: Moment, { path, inside, root }: Dag): readonly Node[] {
  const fromMs = Math.min(...inside.map((task) => task.startMs), moment.atMs);
  const phase = phaseOf(moment, inside);
  if (path === "")
    return [dagNode(moment, { name: root, boundary: moment.workflow.name, template: "root", fromMs, phase })];
  const names = path.split("/");
  const last = names.at(-1) ?? "";
  const above = names.slice(0, -1);
  const isIteration = last.startsWith("iteration-");
  const isLoop = inside.some((task) => task.task.within?.[names.length]?.startsWith("iteration-"));
  const driver = (name: string, boundary: string): Node =>
    podNode(moment, {
      name,
      boundary,
      template: "system-dag-driver",
      leg: {
        fromMs,
        endMs: fromMs,
        outcome: "Succeeded",
        message: undefined,
        stretches: [{ fromMs, phase: "Running" }],
      },
    });
  if (isIteration) {
    const loop = argoName(root, above);
    const index = last.slice("iteration-".length);
    const component = `comp-${above.at(-1)}`;
    const one = `${loop}.iteration-iterations(${index}:${index})`;
    const loopId = idOf(moment, loop);
    return [
      dagNode(moment, { name: one, boundary: loopId, template: `${component}-iteration`, fromMs, phase }),
      driver(`${one}.iteration-item-driver`, idOf(moment, one)),
      dagNode(moment, {
        name: `${one}.iteration-item`,
        boundary: idOf(moment, one),
        template: component,
        fromMs,
        phase,
      }),
    ];
  }
  const name = argoName(root, names);
  const boundary = idOf(moment, argoName(root, above));
  if (!isLoop)
    return [
      driver(`${name}-driver`, boundary),
      dagNode(moment, { name, boundary, template: `comp-${last}`, fromMs, phase }),
    ];
  const group = dagNode(moment, {
    name: `${name}.iteration-iterations`,
    boundary: idOf(moment, name),
    template: `comp-${last}-iteration`,
    fromMs,
    phase,
  });
  return [
    dagNode(moment, { name, boundary, template: `comp-${last}-${last}-iterator`, fromMs, phase }),
    driver(`${name}.iteration-driver`, idOf(moment, name)),
    { ...group, type: "TaskGroup" },
  ];
}

/** Argo's name of a DAG: `wf.root.for-loop-1.iteration-iterations(0:0).iteration-item`. */
function argoName(root: string, names: readonly string[]): string {
  return names.reduce((name, one) => {
    const index = /^iteration-(\d+)$/.exec(one)?.[1];
    return index === undefined ? `${name}.${one}` : `${name}.iteration-iterations(${index}:${index}).iteration-item`;
  }, root);
}

function taskNodes(
  moment: Moment,
  { task, root }: { readonly task: TaskCourse; readonly root: string },
): readonly Node[] {
  const scope = argoName(root, task.task.within ?? []);
  const boundary = idOf(moment, scope);
  const name = `${scope}.${task.task.name}`;
  if (task.outcome === "Omitted")
    return [
      {
        ...dagNode(moment, {
          name,
          boundary,
          template: "system-container-executor",
          fromMs: task.startMs,
          phase: "Omitted",
        }),
        type: "Skipped",
        message: `omitted: depends condition not met`,
      },
    ];
  const template = "system-container-executor";
  const { driver, executor } = task;
  if (driver === undefined)
    return [dagNode(moment, { name, boundary, template, fromMs: task.startMs, phase: "Succeeded" })];
  const driverNode = podNode(moment, {
    name: `${name}-driver`,
    boundary,
    template: "system-container-driver",
    leg: driver,
  });
  if (moment.atMs < driver.endMs || driver.outcome !== "Succeeded" || isCut(moment, driver.endMs)) return [driverNode];
  const dag = dagNode(moment, { name, boundary, template, fromMs: driver.endMs, phase: phaseOf(moment, [task]) });
  const inner = { name: `${name}.executor`, boundary: dag.id, template: "system-container-impl" };
  if (executor === undefined) {
    const skipped = dagNode(moment, { ...inner, fromMs: driver.endMs, phase: "Skipped" });
    return [driverNode, dag, { ...skipped, type: "Skipped", message: "when 'true != true' evaluated false" }];
  }
  return [driverNode, dag, podNode(moment, { ...inner, leg: executor })];
}

function isCut({ endedMs }: Moment, atMs: number): boolean {
  return endedMs !== undefined && atMs >= endedMs;
}

function phaseOf(moment: Moment, tasks: readonly TaskCourse[]): Phase {
  if (moment.endedMs !== undefined && tasks.some((task) => isCut(moment, task.endMs))) return "Failed";
  if (tasks.some((task) => task.endMs > moment.atMs)) return "Running";
  if (tasks.some((task) => task.outcome === "Error")) return "Error";
  return tasks.some((task) => task.outcome === "Failed") ? "Failed" : "Succeeded";
}

type DagFields = {
  readonly name: string;
  readonly boundary: string | undefined;
  readonly template: string;
  readonly fromMs: number;
  readonly phase: Phase;
};

function dagNode(moment: Moment, { name, boundary, template, fromMs, phase }: DagFields): Node {
  return {
    id: idOf(moment, name),
    name,
    displayName: displayNameOf(name),
    type: "DAG",
    templateName: template,
    phase,
    ...(boundary === undefined ? {} : { boundaryID: boundary }),
    startedAt: timeText(fromMs),
    finishedAt: phase === "Running" ? null : timeText(moment.atMs),
  };
}

type PodFields = { readonly name: string; readonly boundary: string; readonly template: string; readonly leg: Leg };

function podNode(moment: Moment, { name, boundary, template, leg }: PodFields): Node {
  const { atMs } = moment;
  const base = {
    id: idOf(moment, name),
    name,
    displayName: displayNameOf(name),
    type: "Pod" as const,
    templateName: template,
    boundaryID: boundary,
    startedAt: timeText(leg.fromMs),
  };
  if (isCut(moment, leg.endMs))
    return { ...base, phase: "Failed", message: DEADLINE, finishedAt: timeText(moment.endedMs ?? atMs) };
  if (atMs >= leg.endMs)
    return {
      ...base,
      phase: leg.outcome,
      ...(leg.message === undefined ? {} : { message: leg.message }),
      finishedAt: timeText(leg.endMs),
      ...(template === "system-container-impl" ? { outputs: { artifacts: [{ name: "main-logs" }] } } : {}),
    };
  const now = leg.stretches.findLast((stretch) => stretch.fromMs <= atMs);
  return {
    ...base,
    phase: now?.phase ?? "Pending",
    ...(now?.message === undefined ? {} : { message: now.message }),
    finishedAt: null,
  };
}

function displayNameOf(name: string): string {
  return name.split(/\.(?![^(]*\))/).at(-1) ?? name;
}

/** Argo's own: the workflow's name and FNV-1a of the node's. */
export function nodeId(workflow: string, name: string): string {
  if (name === workflow) return workflow;
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(name)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return `${workflow}-${hash}`;
}

function idOf(moment: Moment, name: string): string {
  return nodeId(moment.workflow.name, name);
}

/** `<workflow>-<template>-<hash>`, as Argo names pods since 3.4. */
export function podName(workflow: string, node: Node): string {
  return `${workflow}-${node.templateName}-${node.id.slice(workflow.length + 1)}`;
}
