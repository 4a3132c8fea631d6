import type { RunStatus, RunTask, TaskWait } from "./task.ts";

/** How long each trouble is tolerated, in milliseconds. */
export type WaitBudgets = {
  /** Nothing at all has begun, or a setting of a pod is missing. */
  readonly startMs: number;
  /** No node has room, or the namespace no quota. */
  readonly unschedulableMs: number;
  readonly imagePullMs: number;
};

/** What stands behind a wait; each has a budget of its own. `none`: nothing is wrong yet. */
type Trouble = "start" | "room" | "image" | "never" | "setting" | "none";

const TROUBLES: Readonly<Record<TaskWait["kind"], Trouble>> = {
  start: "start",
  unschedulable: "room",
  quota: "room",
  "image-pull": "image",
  "image-invalid": "never",
  config: "setting",
  starting: "none",
};

/** The input that names a trouble's budget. */
export type BudgetName = "start-timeout" | "unschedulable-timeout" | "image-pull-timeout";

/** One execution that waits, or did until a moment ago. */
export type Waiting = {
  /** The execution's `path`; empty for the run as a whole. */
  readonly path: string;
  readonly wait: TaskWait;
  /** For how long it has been seen with the same trouble. */
  readonly waitedMs: number;
  /** For how long the trouble has not been seen; 0 while it is there. */
  readonly goneMs: number;
};

/** By the execution's path. Plain data, so that a wait goes on in another job. */
export type Waits = Readonly<Record<string, Waiting>>;

/** A trouble that comes back within this time is the same: an autoscaler, a retried pod, a message that flaps. */
const SAME_MS = 60_000;

/**
 * What waits now, and since when. `passedMs` is the time since the last look, as our own clock has it: a look that failed, or a clock that
 * jumped, counts as little as the caller says. Whatever has started, or has ended, begins anew.
 */
export function watchWaits(before: Waits, status: RunStatus, passedMs: number): Waits {
  const now = waitsOf(status);
  const seen = [...now].map(([path, wait]) => seeWait(path, wait, { before: before[path], passedMs }));
  const unseen = Object.values(before)
    .filter(({ path }) => !now.has(path) && isPending(status, path))
    .map((one) => ({ ...one, goneMs: one.goneMs + passedMs }))
    .filter(({ goneMs }) => goneMs < SAME_MS);
  return Object.fromEntries([...seen, ...unseen].map((one) => [one.path, one]));
}

type Look = { readonly before: Waiting | undefined; readonly passedMs: number };

function seeWait(path: string, wait: TaskWait, { before, passedMs }: Look): Waiting {
  const fresh = { path, wait, waitedMs: 0, goneMs: 0 };
  if (before === undefined) return fresh;
  if (TROUBLES[before.wait.kind] === TROUBLES[wait.kind])
    return { ...fresh, waitedMs: before.waitedMs + (before.goneMs > 0 ? 0 : passedMs) };
  // a moment without trouble, such as a pod that is made anew, does not end the trouble that was there
  const isPause = TROUBLES[wait.kind] === "none" && before.goneMs + passedMs < SAME_MS;
  return isPause ? { ...before, goneMs: before.goneMs + passedMs } : fresh;
}

function waitsOf({ tasks, wait }: RunStatus): ReadonlyMap<string, TaskWait> {
  const ofTasks = tasks.flatMap((task) =>
    task.state === "pending" && task.wait !== undefined ? [[task.path, task.wait] as const] : [],
  );
  return new Map([...(wait === undefined ? [] : [["", wait] as const]), ...ofTasks]);
}

function isPending({ state, tasks }: RunStatus, path: string): boolean {
  if (path === "") return state === "pending";
  return tasks.some((task: RunTask) => task.path === path && task.state === "pending");
}

/** A wait that took longer than it may. `budgetMs` is 0 for what waiting cannot mend. */
export type Overdue = Waiting & { readonly budgetMs: number; readonly input: BudgetName | undefined };

/** The wait that has been over its budget for longest, if there is one. */
export function overdueWait(waits: Waits, budgets: WaitBudgets): Overdue | undefined {
  return Object.values(waits)
    .flatMap((one) => {
      const limit = limitOf(one.wait, budgets);
      const isOver = limit !== undefined && one.goneMs === 0 && one.waitedMs >= limit.budgetMs;
      return isOver ? [{ ...one, ...limit }] : [];
    })
    .toSorted((a, b) => b.waitedMs - b.budgetMs - (a.waitedMs - a.budgetMs))[0];
}

/** How long a wait may take, and the input that says so; undefined where nothing is wrong. */
export function limitOf(
  { kind }: TaskWait,
  budgets: WaitBudgets,
): { readonly budgetMs: number; readonly input: BudgetName | undefined } | undefined {
  switch (TROUBLES[kind]) {
    case "none":
      return undefined;
    case "never":
      return { budgetMs: 0, input: undefined };
    case "start":
    case "setting":
      return { budgetMs: budgets.startMs, input: "start-timeout" };
    case "room":
      return { budgetMs: budgets.unschedulableMs, input: "unschedulable-timeout" };
    case "image":
      return { budgetMs: budgets.imagePullMs, input: "image-pull-timeout" };
  }
}
