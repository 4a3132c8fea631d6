import { describe, expect, test } from "vitest";
import type { Checked } from "../../../../actions/shared/domain/problem.ts";
import {
  type Decision,
  decide,
  type Standing,
  type VersionChange,
} from "../../../../actions/shared/domain/version-state.ts";

const made = (by: string, reason = "it is good", environment?: string): Decision => ({
  reason,
  ...(environment === undefined ? {} : { environment }),
  act: { by, at: "2026-11-21T09:00:00Z" },
});
const inUse = (...approvals: readonly Decision[]): Standing => ({ state: "in-use", approvals });
const retired: Standing = { state: "retired", approvals: [] };
const decideOn = (before: Standing | undefined, change: VersionChange, decision = made("ada")) =>
  decide(before, { change, decision });

describe("a version", () => {
  test.for<[string, Checked<Standing>, Standing]>([
    ["that is approved says by whom", decideOn(undefined, "approved"), inUse(made("ada"))],
    ["is approved by several", decideOn(inUse(made("bob")), "approved"), inUse(made("bob"), made("ada"))],
    [
      "is approved again for another reason, or from a job of another environment",
      decideOn(inUse(made("ada", "x"), made("ada", "it is good", "prod")), "approved"),
      inUse(made("ada", "x"), made("ada", "it is good", "prod"), made("ada")),
    ],
    ["that is retired is approved no longer", decideOn(inUse(made("bob")), "retired"), retired],
    ["that is restored must be approved anew", decideOn(retired, "restored"), inUse()],
  ])("%s", ([, decided, standing]) => {
    expect(decided).toEqual({ state: "ok", value: standing });
  });

  test.for<[string, Standing, VersionChange]>([
    ["approved by the same person for the same reason", inUse(made("ada")), "approved"],
    ["retired twice", retired, "retired"],
    ["restored that was never retired", inUse(made("bob")), "restored"],
  ])("stays as it was where it is %s", ([, before, change]) => {
    const decided = decideOn(before, change);
    expect(decided.state === "ok" && decided.value).toBe(before);
  });

  test("that is retired cannot be approved", () => {
    expect(decideOn(retired, "approved")).toMatchObject({ state: "bad", problems: [{ saw: "retired" }] });
  });

  test("keeps its last approvals of very many", () => {
    const many = Array.from({ length: 30 }, (_, i) => made(`person-${i}`));
    const standing = many.reduce<Standing>((before, decision) => {
      const decided = decide(before, { change: "approved", decision });
      return decided.state === "ok" ? decided.value : before;
    }, inUse());
    expect(standing.approvals.map(({ act }) => act.by)).toEqual(many.slice(-20).map(({ act }) => act.by));
  });
});
