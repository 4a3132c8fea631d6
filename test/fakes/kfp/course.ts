import type { Schedule, ScheduledTask, Wait } from "./schedule.ts";
import type { Try } from "./state.ts";

export type Phase = "Pending" | "Running" | "Succeeded" | "Failed" | "Error" | "Skipped" | "Omitted";

/** A pod from its creation: what it is at which time. */
export type Leg = {
  readonly fromMs: number;
  readonly endMs: number;
  readonly outcome: "Succeeded" | "Failed" | "Error";
  readonly message: string | undefined;
  readonly stretches: readonly {
    readonly fromMs: number;
    readonly phase: "Pending" | "Running";
    readonly message?: string;
  }[];
};

export type TaskCourse = {
  readonly task: ScheduledTask;
  readonly path: string;
  readonly driver: Leg | undefined;
  /** None where it was cached, left out, or its driver failed. */
  readonly executor: Leg | undefined;
  readonly startMs: number;
  readonly endMs: number;
  readonly outcome: "Succeeded" | "Failed" | "Error" | "Omitted";
};

export type Course = {
  readonly upMs: number;
  readonly rootDriverEndMs: number;
  readonly endMs: number;
  readonly tasks: readonly TaskCourse[];
};

/** How long pods go on once their deadline was set to nothing. */
export const KILL_MS = 3_000;

const courses = new WeakMap<Try, Course>();

/** The whole story of one try, as it goes where nobody ends it. */
export function courseOf(one: Try): Course {
  const known = courses.get(one);
  if (known) return known;
  const course = newCourse(one.schedule, one.fromMs, one.kept);
  courses.set(one, course);
  return course;
}

/** Of a try whose story is told as it happens. */
export function setCourse(one: Try, course: Course): void {
  courses.set(one, course);
}

function newCourse(schedule: Schedule, fromMs: number, kept: readonly string[]): Course {
  const upMs = fromMs + (schedule.controllerMs ?? 1_000);
  const rootDriverEndMs = upMs + 1_000;
  const done = new Map<string, TaskCourse>();
  let left = schedule.tasks;
  while (left.length > 0) {
    const ready = left.filter((task) => upstreamOf(task, left).length === 0);
    if (ready.length === 0) throw new Error(`tasks wait for each other: ${left.map(pathOf).join(", ")}`);
    for (const task of ready) done.set(pathOf(task), taskCourse(task, { done, rootDriverEndMs, kept }));
    left = left.filter((task) => !ready.includes(task));
  }
  const tasks = [...done.values()];
  return { upMs, rootDriverEndMs, endMs: Math.max(rootDriverEndMs, ...tasks.map((one) => one.endMs)), tasks };
}

export function pathOf(task: ScheduledTask): string {
  return [...(task.within ?? []), task.name].join("/");
}

function upstreamOf<T extends ScheduledTask>(task: ScheduledTask, among: readonly T[]): readonly T[] {
  return among.filter((other) =>
    (task.after ?? []).some((path) => pathOf(other) === path || pathOf(other).startsWith(`${path}/`)),
  );
}

type Known = {
  readonly done: ReadonlyMap<string, TaskCourse>;
  readonly rootDriverEndMs: number;
  readonly kept: readonly string[];
};

function taskCourse(task: ScheduledTask, { done, rootDriverEndMs, kept }: Known): TaskCourse {
  const path = pathOf(task);
  const upstream = upstreamOf(
    task,
    [...done.values()].map((one) => one.task),
  ).flatMap((one) => done.get(pathOf(one)) ?? []);
  const startMs = Math.max(rootDriverEndMs, ...upstream.map((one) => one.endMs));
  const isLeftOut = !task.always && upstream.some((one) => one.outcome !== "Succeeded");
  if (isLeftOut || kept.includes(path)) {
    const outcome = isLeftOut ? ("Omitted" as const) : ("Succeeded" as const);
    return { task, path, driver: undefined, executor: undefined, startMs, endMs: startMs, outcome };
  }
  const driver = legOf(startMs, { waits: task.driver?.waits ?? [], runMs: task.driver?.ms ?? 2_000, ...task.driver });
  if (driver.outcome !== "Succeeded")
    return { task, path, driver, executor: undefined, startMs, endMs: driver.endMs, outcome: driver.outcome };
  if (task.cached)
    return { task, path, driver, executor: undefined, startMs, endMs: driver.endMs, outcome: "Succeeded" };
  const executor = legOf(driver.endMs, { waits: task.waits ?? [], runMs: task.runMs ?? 10_000, ...task });
  return { task, path, driver, executor, startMs, endMs: executor.endMs, outcome: executor.outcome };
}

type LegPlan = {
  readonly waits: readonly Wait[];
  readonly runMs: number;
  readonly ends?: "Succeeded" | "Failed" | "Error";
  readonly message?: string;
};

function legOf(fromMs: number, { waits, runMs, ends = "Succeeded", message }: LegPlan): Leg {
  let at = fromMs;
  const stretches = waits.map((wait) => {
    const stretch = { fromMs: at, phase: "Pending" as const, message: wait.message };
    at += wait.ms;
    return stretch;
  });
  const running = { fromMs: at, phase: "Running" as const };
  return { fromMs, endMs: at + runMs, outcome: ends, message, stretches: [...stretches, running] };
}

/** Every moment at which something becomes different, in order. */
export function changesOf(one: Try): readonly number[] {
  const course = courseOf(one);
  const legs = course.tasks.flatMap((task) => [task.driver, task.executor].filter((leg) => leg !== undefined));
  const all = [
    course.upMs,
    course.rootDriverEndMs,
    course.endMs,
    ...course.tasks.flatMap((task) => [task.startMs, task.endMs]),
    ...legs.flatMap((leg) => [leg.endMs, ...leg.stretches.map((stretch) => stretch.fromMs)]),
  ].filter(Number.isFinite);
  const { terminatedMs } = one;
  const told = terminatedMs === undefined ? all : [...all.filter((at) => at < terminatedMs), terminatedMs + KILL_MS];
  return [...new Set(told)].sort((a, b) => a - b);
}
