import { expect, test } from "vitest";
import type { Look } from "../../../../../actions/shared/domain/rollout/journal-entry.ts";
import { PRESETS } from "../../../../../actions/shared/domain/traffic/presets.ts";
import { rolloutDashboard } from "../../../../../actions/shared/render/rollout/dashboard.ts";
import { watchedRollout } from "../../../../support/watched-rollout.ts";

type Panel = {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly { readonly refId: string; readonly expr: string }[];
  readonly options: { readonly content?: string };
};
type Dashboard = { readonly uid: string; readonly panels: readonly Panel[] };

const dashboardOf = (preset: string, looks: readonly Look[] = []): Dashboard =>
  JSON.parse(rolloutDashboard(watchedRollout(preset, preset === "kserve" ? { errors: "e" } : {}), looks));

test.each(PRESETS.map(({ name }) => name))(
  "the dashboard of %s has panels beside each other, each with its number",
  (preset) => {
    const { panels, uid } = dashboardOf(preset);
    expect(uid).toMatch(/^[\w-]{1,40}$/);
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    for (const [i, one] of panels.entries())
      for (const other of panels.slice(i + 1)) expect(overlap(one.gridPos, other.gridPos)).toBe(false);
    for (const { targets = [] } of panels) expect(new Set(targets.map(({ refId }) => refId)).size).toBe(targets.length);
    for (const { gridPos } of panels) expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24);
  },
);

function overlap(a: Panel["gridPos"], b: Panel["gridPos"]): boolean {
  return a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;
}

test("has a panel for each thing that is counted, and none for what is not", () => {
  expect(dashboardOf("istio").panels.map(({ title }) => title)).toEqual([
    "Share of the candidate",
    "Requests",
    "Errors",
    "Rejected requests",
    "Slower than 250 ms",
    "Since the lease was renewed",
    "Evidence",
  ]);
  expect(dashboardOf("triton").panels.map(({ title }) => title)).toEqual([
    "Share of the candidate",
    "Requests",
    "Errors",
    "Since the lease was renewed",
    "Evidence",
  ]);
});

test("shows what the judge concluded, of the last twenty looks", () => {
  const arm = (requests: number) => ({ started: requests, requests, rejected: 0, series: {} });
  const look = (i: number): Look => ({
    atMs: Date.UTC(2026, 0, 1, 12, i),
    phase: "canary",
    step: 0,
    share: 0.05,
    waitedMs: 0,
    counts: { candidate: arm(i), stable: arm(20 * i) },
    exposure: { candidate: i, stable: 20 * i },
    verdict: "continue",
    next: "wait",
    evidence: { errors: { fail: 1.5, pass: 0, ceiling: 0 } },
  });
  const looks = Array.from({ length: 25 }, (_, i) => look(i + 1));
  const lines = dashboardOf("istio", looks).panels.at(-1)?.options.content?.split("\n") ?? [];
  expect(lines).toHaveLength(22);
  expect(lines[0]).toBe("| look | at (UTC) | share | candidate | stable | errors: ln E against | verdict |");
  expect(lines.at(-1)).toBe("| 25 | 2026-01-01T12:25:00 | 5 % | 25 | 500 | 1.50 | continue |");
});
