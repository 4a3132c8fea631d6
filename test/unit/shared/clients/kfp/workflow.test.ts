import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { podName, rootDriver, timeOf } from "../../../../../actions/shared/clients/kfp/node-place.ts";
import { parseWorkflow } from "../../../../../actions/shared/clients/kfp/workflow.ts";
import { workflowTasks } from "../../../../../actions/shared/clients/kfp/workflow-tasks.ts";
import type { RunTask } from "../../../../../actions/shared/domain/run/task.ts";

// Nodes as Argo keeps them of workflows that Kubeflow Pipelines 2 compiles.

type Written = {
  readonly name: string;
  readonly in?: string;
  readonly template?: string;
  readonly type?: string;
  readonly phase?: string;
  readonly message?: string;
  readonly at?: readonly [string, string?];
  readonly exitCode?: string;
};

const WF = "digits-x7x9z";

function manifest(nodes: readonly Written[], more: Readonly<Record<string, unknown>> = {}): string {
  const entries = nodes.map((node) => {
    const id = idOf(node.name);
    const displayName = node.name.split(/\.(?![^(]*\))/).at(-1);
    return [
      id,
      {
        id,
        name: node.name,
        displayName: node.name.endsWith(".onExit") ? node.name.split(".").slice(-2).join(".") : displayName,
        type: node.type ?? "DAG",
        templateName: node.template ?? "",
        phase: node.phase ?? "Running",
        ...(node.in === undefined ? {} : { boundaryID: idOf(node.in) }),
        ...(node.message === undefined ? {} : { message: node.message }),
        startedAt: node.at?.[0] ?? "2026-11-21T09:00:00Z",
        finishedAt: node.at?.[1] ?? null,
        outputs: node.exitCode === undefined ? null : { exitCode: node.exitCode },
      },
    ];
  });
  return JSON.stringify({
    metadata: { name: WF },
    status: { phase: "Running", nodes: Object.fromEntries(entries) },
    ...more,
  });
}

const ids = new Map<string, string>();

function idOf(name: string): string {
  if (name === WF) return WF;
  const known = ids.get(name) ?? `${WF}-${1000 + ids.size}`;
  ids.set(name, known);
  return known;
}

const root = `${WF}.root`;
const frame: readonly Written[] = [
  { name: WF, template: "entrypoint" },
  { name: `${WF}.root-driver`, in: WF, template: "system-dag-driver", type: "Pod", phase: "Succeeded" },
  { name: root, in: WF, template: "root" },
];

function task(
  name: string,
  scope: string,
  parts: Partial<Written> & { readonly pod?: Partial<Written> } = {},
): readonly Written[] {
  const { pod, ...own } = parts;
  const full = `${scope}.${name}`;
  return [
    { name: `${full}-driver`, in: scope, template: "system-container-driver", type: "Pod", phase: "Succeeded" },
    { name: full, in: scope, template: "system-container-executor", ...own },
    ...(pod === undefined
      ? []
      : [{ name: `${full}.executor`, in: full, template: "system-container-impl", type: "Pod", ...pod }]),
  ];
}

function tasksOf(nodes: readonly Written[]): readonly RunTask[] {
  return workflowTasks(parseWorkflow(manifest([...frame, ...nodes])), () => undefined);
}

function states(nodes: readonly Written[]): Readonly<Record<string, string>> {
  return Object.fromEntries(tasksOf(nodes).map(({ path, state, cached }) => [path, cached ? "cached" : state]));
}

describe("tasks of a workflow", () => {
  test("have the state of their pods", () => {
    const nodes = [
      ...task("a", root, { phase: "Succeeded", pod: { phase: "Succeeded" } }),
      ...task("b", root, { pod: { phase: "Running" } }),
      ...task("c", root, { pod: { phase: "Pending", message: "PodInitializing" } }),
      ...task("d", root),
      ...task("e", root, { phase: "Failed", pod: { phase: "Failed", message: "main: Error (exit code 1)" } }),
      ...task("f", root, { phase: "Succeeded", pod: { type: "Skipped", phase: "Skipped" } }),
      ...task("g", root, { type: "Skipped", phase: "Skipped" }),
      ...task("h", root, { type: "Skipped", phase: "Omitted" }),
    ];
    expect(states(nodes)).toEqual({
      a: "succeeded",
      b: "running",
      c: "pending",
      d: "pending",
      e: "failed",
      f: "cached",
      g: "skipped",
      h: "skipped",
    });
  });

  test("of which only the driver is there wait for it, or have failed with it", () => {
    const driver = (name: string, phase: string, message?: string) => ({
      name: `${root}.${name}-driver`,
      in: root,
      template: "system-container-driver",
      type: "Pod",
      phase,
      ...(message === undefined ? {} : { message }),
    });
    const [a, b, c] = tasksOf([
      driver("a", "Running"),
      driver("b", "Pending", "Unschedulable: 0/1 nodes are available"),
      driver("c", "Error", "exceeded quota: pods"),
    ]);
    expect(a).toMatchObject({ state: "pending", wait: { kind: "start", message: "its driver is at work" } });
    expect(b).toMatchObject({ state: "pending", wait: { kind: "unschedulable" } });
    expect(c).toMatchObject({
      state: "failed",
      error: "its driver failed before the task began: exceeded quota: pods",
    });
  });

  test("that are tried again are what their last try is", () => {
    const full = `${root}.train`;
    const attempt = (number: number, rest: Partial<Written>): Written => ({
      name: `${full}.executor(${number})`,
      in: full,
      template: "retry-system-container-impl",
      type: "Pod",
      ...rest,
    });
    const nodes = [
      { name: `${full}-driver`, in: root, template: "system-container-driver", type: "Pod", phase: "Succeeded" },
      { name: full, in: root, template: "retry-system-container-executor" },
      { name: `${full}.executor`, in: full, template: "retry-system-container-impl", type: "Retry" },
      attempt(0, { phase: "Failed", message: "pod deleted" }),
      attempt(10, { phase: "Pending", message: "Unschedulable: 0/1 nodes are available" }),
      attempt(2, { phase: "Failed", message: "main: Error (exit code 1)" }),
    ];
    expect(tasksOf(nodes)).toMatchObject([{ path: "train", state: "pending", wait: { kind: "unschedulable" } }]);
  });

  test("are named by the DAGs around them, loops with their iteration, exit tasks by themselves", () => {
    const condition = `${root}.condition-1`;
    const loop = `${condition}.for-loop-2`;
    const item = (number: number) => `${loop}.iteration-iterations(${number}:${number}).iteration-item`;
    const inner = `${item(1)}.for-loop-3`;
    const innerItem = `${inner}.iteration-iterations(0:0).iteration-item`;
    const hook = `${root}.exit-handler-1.onExit`;
    const dag = (name: string, scope: string, template = "comp-x"): Written => ({ name, in: scope, template });
    const driver = (name: string, scope: string): Written => ({
      name,
      in: scope,
      template: "system-dag-driver",
      type: "Pod",
      phase: "Succeeded",
    });
    const nodes = [
      driver(`${condition}-driver`, root),
      dag(condition, root),
      dag(loop, condition),
      driver(`${loop}.iteration-driver`, loop),
      { ...dag(`${loop}.iteration-iterations`, loop), type: "TaskGroup" },
      ...[0, 1].flatMap((number) => [
        dag(`${loop}.iteration-iterations(${number}:${number})`, loop),
        driver(
          `${loop}.iteration-iterations(${number}:${number}).iteration-item-driver`,
          `${loop}.iteration-iterations(${number}:${number})`,
        ),
        dag(item(number), `${loop}.iteration-iterations(${number}:${number})`),
        ...task("train", item(number), { pod: { phase: "Running" } }),
      ]),
      dag(inner, item(1)),
      dag(`${inner}.iteration-iterations(0:0)`, inner),
      dag(innerItem, `${inner}.iteration-iterations(0:0)`),
      ...task("check", innerItem, { pod: { phase: "Running" } }),
      dag(hook, root),
      ...task("notify", hook, { pod: { phase: "Running" } }),
    ];
    expect(tasksOf(nodes).map(({ path, task: name, iteration }) => [path, name, iteration])).toEqual([
      ["condition-1/for-loop-2-iteration-0/train", "train", "0"],
      ["condition-1/for-loop-2-iteration-1/train", "train", "1"],
      ["condition-1/for-loop-2-iteration-1/for-loop-3-iteration-0/check", "check", "1.0"],
      ["notify", "notify", undefined],
    ]);
  });

  test("are also importers, placeholders of volumes, and DAGs whose driver is in trouble", () => {
    const nodes: readonly Written[] = [
      { name: `${root}.data`, in: root, template: "system-importer", type: "Pod", phase: "Succeeded" },
      { name: `${root}.createpvc`, in: root, template: "system-container-driver", type: "Pod", phase: "Running" },
      { name: `${root}.for-loop-1`, in: root, template: "comp-for-loop-1-for-loop-1-iterator" },
      {
        name: `${root}.for-loop-1.iteration-driver`,
        in: `${root}.for-loop-1`,
        template: "system-dag-driver",
        type: "Pod",
        phase: "Failed",
        message: "main: Error (exit code 1)",
      },
    ];
    expect(states(nodes)).toEqual({ data: "succeeded", createpvc: "running", "for-loop-1": "failed" });
  });

  test("run since their container began, where somebody saw it", () => {
    const nodes = task("train", root, {
      phase: "Succeeded",
      pod: { phase: "Succeeded", at: ["2026-11-21T09:00:00Z", "2026-11-21T10:00:00Z"] },
    });
    const workflow = parseWorkflow(manifest([...frame, ...nodes]));
    const since = Date.parse("2026-11-21T09:45:00Z");
    expect(workflowTasks(workflow, () => since)[0]).toMatchObject({ startedAtMs: since, seconds: 900 });
    // a clock that runs ahead is not believed
    expect(workflowTasks(workflow, () => Date.parse("2026-11-21T11:00:00Z"))[0]?.seconds).toBe(3_600);
  });

  test("that were running when the workflow was ended are cancelled; one that failed before is not", () => {
    const nodes = [
      ...task("a", root, {
        phase: "Failed",
        pod: { phase: "Failed", message: "workflow shutdown with strategy:  Terminate" },
      }),
      ...task("b", root, { phase: "Failed", pod: { phase: "Failed", message: "main: Error (exit code 1)" } }),
    ];
    const workflow = parseWorkflow(manifest([...frame, ...nodes], { spec: { activeDeadlineSeconds: 0 } }));
    expect(workflow.isTerminated).toBe(true);
    expect(workflowTasks(workflow, () => undefined).map(({ state }) => state)).toEqual(["cancelled", "failed"]);
  });

  test("have the exit code that Argo keeps", () => {
    const pod = { phase: "Failed", message: "Error (exit code 3)", exitCode: "3" };
    expect(tasksOf(task("a", root, { phase: "Failed", pod }))[0]).toMatchObject({ exitCode: 3 });
  });

  test("in a flat workflow are its pods", () => {
    const nodes = [
      {
        name: `${WF}.train`,
        in: WF,
        template: "system-container-impl",
        type: "Pod",
        phase: "Pending",
        message: "Unschedulable: x",
      },
    ];
    const [entry] = frame;
    const flat = parseWorkflow(manifest([...(entry === undefined ? [] : [entry]), ...nodes]));
    expect(workflowTasks(flat, () => undefined)).toMatchObject([
      { path: "train", state: "pending", wait: { kind: "unschedulable" } },
    ]);
  });
});

describe("a workflow", () => {
  test("is the same with its nodes compressed", () => {
    const plain = manifest([...frame, ...task("a", root)]);
    const { status, ...rest } = JSON.parse(plain);
    const compressedNodes = gzipSync(JSON.stringify(status.nodes)).toString("base64");
    const packed = JSON.stringify({ ...rest, status: { phase: status.phase, compressedNodes } });
    expect(parseWorkflow(packed)).toEqual(parseWorkflow(plain));
  });

  test("without a status has no nodes", () => {
    expect(parseWorkflow('{"metadata":{"name":"x"},"status":{"startedAt":null,"finishedAt":null}}').nodes.size).toBe(0);
  });

  test.each(["no JSON", "3", '{"status":{"compressedNodes":"bm8gZ3ppcA=="}}', '{"status":{"nodes":{"a":1}}}'])(
    "that cannot be read is an answer against the protocol: %s",
    (text) => {
      expect(() => parseWorkflow(text)).toThrow("[PROTOCOL]");
    },
  );

  test("has a driver of its own before any task", () => {
    expect(rootDriver(parseWorkflow(manifest(frame)))?.phase).toBe("Succeeded");
  });
});

test.each([
  [{ id: `${WF}-123`, templateName: "system-container-impl" }, `${WF}-system-container-impl-123`],
  [{ id: `${WF}-123`, templateName: "" }, `${WF}-123`],
  [{ id: "elsewhere", templateName: "t" }, "elsewhere"],
  [{ id: `${WF}-123`, templateName: "t".repeat(300) }, `${`${WF}-${"t".repeat(300)}`.slice(0, 243)}-123`],
])("the pod of %j is %s", (node, pod) => {
  expect(podName(node, { name: WF })).toBe(pod);
});

test.each(["0001-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "", undefined, null])("%s is no time", (text) => {
  expect(timeOf(text)).toBeUndefined();
});
