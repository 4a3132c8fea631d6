import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { parseProcessStat } from "../../../../actions/shared/lib/process-stat.ts";

const statOf = (name: string, state: string) =>
  `4242 (${name}) ${state} 1 77 77 0 -1 4194304 100 0 0 0 5 3 0 0 20 0 1 0 987654 1000000 200 18446744073709551615\n`;

test.each(["node", "a name (with) brackets", ") S 1 2 3"])(
  "a process called %s has its group and its start",
  (name) => {
    expect(parseProcessStat(statOf(name, "S"))).toEqual({ hasEnded: false, group: 77, startTicks: "987654" });
  },
);

test.each(["Z", "X"])("a process in state %s has ended", (state) => {
  expect(parseProcessStat(statOf("node", state)).hasEnded).toBe(true);
});

test.runIf(process.platform === "linux")("this process runs, and was started after its parent", () => {
  const read = (pid: number) => parseProcessStat(readFileSync(`/proc/${pid}/stat`, "latin1"));
  const [own, parent] = [read(process.pid), read(process.ppid)];
  expect(own.hasEnded).toBe(false);
  expect(Number(own.startTicks)).toBeGreaterThanOrEqual(Number(parent.startTicks));
});
