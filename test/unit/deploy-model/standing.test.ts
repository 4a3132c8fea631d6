import { describe, expect, test } from "vitest";
import { decideStart, type Facts, type Standing } from "../../../actions/deploy-model/prepare/standing.ts";
import type { ModelEvent, VersionRecord } from "../../../actions/shared/domain/model-version.ts";
import type { Gate } from "../../../actions/shared/domain/release.ts";

const digest = (letter: string) => `sha256:${letter.repeat(64)}` as const;
const ONE = { version: "1.0.0", digest: digest("a") };
const TWO = { version: "1.1.0", digest: digest("b") };
const THREE = { version: "1.2.0", digest: digest("c") };

const record = ({ version, digest: root }: typeof ONE): VersionRecord => ({
  schema: 1,
  model: "digits",
  version,
  digest: root,
  folder: `digits/files/${version}`,
  files: [{ path: "model.onnx", size: 1, digest: root }],
  author: "octocat",
  release: `v${version}`,
  createdAt: "2026-11-21T00:00:00Z",
  logAfter: 0,
});

const gate = (verdict: Gate["verdict"], more: Partial<Gate> = {}): Gate => ({
  verdict,
  subject: {},
  rules: [{ rule: "accuracy >= 0.95", state: verdict }],
  ...more,
});

const promotion = ({ version, digest: root }: typeof ONE): ModelEvent => ({
  schema: 1,
  event: "promoted",
  version,
  digest: root,
  target: "local",
  act: { by: "octocat", at: "2026-11-21T00:00:00Z" },
});

const facts = (more: Partial<Facts> = {}): Facts => ({
  candidate: record(TWO),
  gate: gate("pass"),
  refusal: undefined,
  promoted: undefined,
  champion: ONE,
  serving: ONE,
  allowDowngrade: false,
  keep: true,
  ...more,
});

const refusal = { why: "retired", reason: "digits 1.1.0 was retired", hint: "restore it" } as const;

describe("whether a rollout begins", () => {
  type Row = readonly [string, Partial<Facts>, Standing["do"]];
  test.each<Row>([
    ["a newer version beside the champion", {}, "deploy"],
    ["the first version", { champion: undefined, serving: undefined }, "deploy"],
    ["nothing serves: the champion is started for it", { serving: undefined }, "deploy"],
    ["it serves already", { candidate: record(ONE) }, "nothing"],
    ["it is the champion, and serves no more", { candidate: record(ONE), serving: undefined }, "restore"],
    ["it is the champion, and nothing stays", { candidate: record(ONE), serving: undefined, keep: false }, "nothing"],
    [
      "it was promoted and replaced since",
      { candidate: record(ONE), promoted: promotion(ONE), champion: THREE, serving: THREE },
      "nothing",
    ],
    [
      "it is to come back on purpose",
      { candidate: record(ONE), promoted: promotion(ONE), champion: THREE, serving: THREE, allowDowngrade: true },
      "deploy",
    ],
    ["an older version that never served", { candidate: record(ONE), champion: TWO, serving: TWO }, "refuse"],
    [
      "an older version than the champion, where nothing serves",
      { candidate: record(ONE), champion: TWO, serving: undefined },
      "refuse",
    ],
    [
      "an older version, allowed",
      { candidate: record(ONE), champion: TWO, serving: TWO, allowDowngrade: true },
      "deploy",
    ],
    ["no verdict", { gate: undefined }, "refuse"],
    ["a failed gate", { gate: gate("fail") }, "refuse"],
    ["a gate without data", { gate: gate("no-data") }, "refuse"],
    ["a gate that warns", { gate: gate("warn") }, "deploy"],
    [
      "a failed gate that was overridden",
      { gate: gate("fail", { override: { by: "octocat", reason: "urgent", at: "2026-11-21T00:00:00Z" } }) },
      "deploy",
    ],
    [
      "what serves is not the champion",
      { serving: THREE, candidate: record({ ...THREE, version: "1.3.0", digest: digest("d") }) },
      "hold",
    ],
    ["what serves was never champion", { champion: undefined }, "hold"],
    ["it was taken out of use", { refusal }, "refuse"],
    ["it was taken out of use, and serves", { refusal, candidate: record(ONE) }, "nothing"],
    [
      "it was taken out of use, was champion and serves no more",
      { refusal, candidate: record(ONE), serving: undefined },
      "refuse",
    ],
    [
      "it was taken out of use after another took its place",
      { refusal, candidate: record(ONE), promoted: promotion(ONE), champion: THREE, serving: THREE },
      "nothing",
    ],
    ["the champion itself, to put things right", { candidate: record(TWO), champion: TWO, serving: ONE }, "deploy"],
  ])("%s", (_, more, expected) => {
    expect(decideStart(facts(more)).do).toBe(expected);
  });

  test("says which rule of the gate failed", () => {
    expect(decideStart(facts({ gate: gate("fail") }))).toMatchObject({
      reason: "digits 1.1.0 did not pass its gate (fail: accuracy >= 0.95)",
    });
  });
});
