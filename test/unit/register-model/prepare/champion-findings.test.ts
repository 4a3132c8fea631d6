import { expect, test } from "vitest";
import { championFindings } from "../../../../actions/register-model/prepare/champion-findings.ts";
import type { Description } from "../../../../actions/register-model/step.ts";
import type { VersionRecord } from "../../../../actions/shared/domain/model-version.ts";
import { versionRecord } from "../../../support/version-record.ts";

const MIB = 1024 * 1024;

function saying(
  described: Partial<Description>,
  champion: Partial<VersionRecord> | undefined,
  bytes = 1_000,
): readonly string[] {
  const scan = { verdict: "data-only", imports: [], findings: [] } as const;
  const model = { described: { scan, findings: [], ...described }, bytes };
  return championFindings(model, champion && versionRecord(champion)).map(({ message }) => message);
}

const scanned = (...imports: readonly string[]) =>
  ({ scan: { verdict: "code-bearing", imports, findings: [] } }) as const;
const weighing = (size: number) => ({
  files: [{ path: "model.onnx", size, digest: `sha256:${"b".repeat(64)}` as const }],
});

test("without a champion there is nothing to compare with", () => {
  expect(saying(scanned("acme.Model"), undefined, 100 * MIB)).toEqual([]);
});

test("imports that the champion does not have are told", () => {
  const champion = { scan: { verdict: "code-bearing" as const, imports: ["acme.Model"] } };
  expect(saying(scanned("acme.Model", "acme.Other"), champion)).toEqual([
    "it imports what champion 1.0.0 does not: acme.Other",
  ]);
});

test("a champion that was registered without a scan says nothing of imports", () => {
  expect(saying(scanned("acme.Model"), {})).toEqual([]);
});

test.each([
  ["more than twice", 5 * MIB, 2 * MIB, ["it has 5 MiB, champion 1.0.0 has 2 MiB (2.5 times)"]],
  ["less than half", 2 * MIB, 5 * MIB, ["it has 2 MiB, champion 1.0.0 has 5 MiB (0.4 times)"]],
  ["less than twice", 3 * MIB, 2 * MIB, []],
  ["both small", 1_000, 10, []],
])("a size of %s the champion's", (...[, bytes, before, said]) => {
  expect(saying({}, weighing(before), bytes)).toEqual(said);
});

test("a break of inputs or outputs names the champion", () => {
  const signature = (shape: readonly number[]) => ({ inputs: [{ name: "x", type: "FP32", shape }], outputs: [] });
  expect(
    saying(
      { signature: signature([1, 3]) },
      { signature: { inputs: [{ name: "x", type: "FP32", shape: [1, 4] }], outputs: [] } },
    ),
  ).toEqual(["not callable as champion 1.0.0: its input x has the shape [1, 3], and had [1, 4]"]);
});
