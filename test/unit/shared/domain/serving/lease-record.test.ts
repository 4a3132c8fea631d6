import { expect, test } from "vitest";
import {
  type LeaseRecord,
  leaseFields,
  readLease,
  standingOf,
} from "../../../../../actions/shared/domain/serving/lease-record.ts";

const record: LeaseRecord = {
  version: "7",
  holder: "acme/digits run 1 attempt 1",
  token: "t",
  job: "github_1",
  url: "https://github.test/runs/1",
  durationMs: 120_000,
  acquiredMs: 1_000_000,
  renewedMs: 1_030_123,
  transitions: 3,
};

test("is written as a Lease, with microseconds, and read again", () => {
  const { version: _, ...said } = record;
  const object = leaseFields(said);
  expect(object.spec).toEqual({
    holderIdentity: "acme/digits run 1 attempt 1",
    leaseDurationSeconds: 120,
    acquireTime: "1970-01-01T00:16:40.000000Z",
    renewTime: "1970-01-01T00:17:10.123000Z",
    leaseTransitions: 3,
  });
  expect(readLease({ ...object, metadata: { ...(object.metadata as object), resourceVersion: "7" } })).toEqual(record);
});

const end = record.renewedMs + record.durationMs;

test.each([
  ["has not run out by the server's clock", end - 1, 500_000, "running"],
  ["has just run out, and was not looked at yet", end, 0, "watch"],
  ["has run out, and changed while it was looked at", end + 60_000, 119_999, "watch"],
  ["was seen unchanged for as long as it lasts", end, 120_000, "over"],
  ["ran out longer ago than clocks can differ", end + 120_000, 0, "over"],
  ["is looked at where no clock is known", undefined, 119_999, "watch"],
  ["was seen unchanged where no clock is known", undefined, 120_000, "over"],
] as const)("that %s", (...[, serverMs, unchangedMs, standing]) => {
  expect(standingOf(record, { serverMs, unchangedMs })).toBe(standing);
});
