import { describe, expect, test } from "vitest";
import { canonicalJson, type Json } from "../../../../actions/shared/domain/canonical.ts";
import {
  checkLinks,
  checkOwner,
  formatRelease,
  joinReleases,
  parseRelease,
  RELEASE_LIMIT_BYTES,
  withParts,
} from "../../../../actions/shared/domain/release-flow.ts";
import { digest, parts, release } from "../../../support/releases.ts";

const input = { input: "release" };
const rulesOf = (checked: ReturnType<typeof checkLinks>) =>
  checked.state === "ok" ? [] : checked.problems.map(({ rule }) => rule);

describe("a record as text", () => {
  test("comes back as it was, on one canonical line", () => {
    const record = release({ images: parts.images("b"), run: parts.run(1, "c"), gate: parts.gate(1, "c") });
    const text = formatRelease(record);
    expect(text.state).toBe("ok");
    if (text.state === "bad") return;
    expect(text.value).not.toContain("\n");
    expect(text.value.startsWith('{"gate":')).toBe(true);
    expect(parseRelease(text.value, input)).toEqual({ state: "ok", value: record });
  });

  test("is refused where it was cut, with what GitHub does to outputs", () => {
    const checked = parseRelease('{"schema":1,"id":"v1.0.0","sou', input);
    expect(checked).toMatchObject({
      state: "bad",
      problems: [{ rule: "is no whole release record", where: input, hint: expect.stringContaining("masked value") }],
    });
  });

  test.for([
    [{ schema: 2 }, "schema 2"],
    [{ schema: "1" }, 'schema "1"'],
    [{}, "schema undefined"],
    [[], "schema undefined"],
    [null, "schema undefined"],
  ] as const)("is refused with another schema: %j", ([value, saw]) => {
    expect(parseRelease(JSON.stringify(value), input)).toMatchObject({
      state: "bad",
      problems: [{ saw, allowed: "schema 1" }],
    });
  });

  test("is refused with the path of what does not fit", () => {
    const record = { ...release(), source: { ...release().source, commit: "main" } };
    expect(parseRelease(JSON.stringify(record), input)).toMatchObject({
      state: "bad",
      problems: [{ rule: "release record: source.commit: must be a full commit hash", saw: '"main"' }],
    });
  });

  test("may hold what a later version of these actions has added", () => {
    const text = canonicalJson({ ...(release() as Record<string, Json>), colour: "red" });
    expect(parseRelease(text, input)).toEqual({ state: "ok", value: release() });
  });

  test("is refused over 48 KiB, naming the part that takes most", () => {
    const metrics = Array.from({ length: 2_000 }, (_, i) => ({ name: `metric-${i}`, value: i }));
    const checked = formatRelease(release({ metrics, images: parts.images("b") }));
    expect(checked).toMatchObject({ state: "bad", problems: [{ allowed: `${RELEASE_LIMIT_BYTES} bytes` }] });
    expect(checked.state === "bad" ? checked.problems[0]?.saw : "").toMatch(/^\d+ bytes, \d+ of them in metrics$/);
  });

  test("counts bytes, not letters", () => {
    const name = "é".repeat(25_000);
    expect(formatRelease(release({ metrics: [{ name, value: 1 }] })).state).toBe("bad");
  });
});

describe("links", () => {
  test.for([
    ["nothing but a source", release()],
    [
      "a verdict on the run and its artifact",
      release({ run: parts.run(1, "c"), gate: parts.gate(1, "c"), model: parts.model("c") }),
    ],
    ["a verdict without a run", release({ gate: parts.gate(1) })],
    ["a model of other files without a verdict", release({ run: parts.run(1, "c"), model: parts.model("d") })],
  ] as const)("hold in %s", ([, record]) => {
    expect(checkLinks(record, input)).toEqual({ state: "ok", value: record });
  });

  test.for([
    [
      "another run",
      release({ run: parts.run(2), gate: parts.gate(1) }),
      "release record: the verdict is not on its run",
    ],
    [
      "another artifact",
      release({ run: parts.run(1, "c"), gate: parts.gate(1, "d") }),
      "release record: the verdict is not on its model artifact of the run",
    ],
    [
      "another model",
      release({ gate: parts.gate(1, "c"), model: parts.model("d") }),
      "release record: the verdict is not on its registered model",
    ],
    [
      "an image by another digest",
      release({ images: { a: { ...parts.images("b").serving!, digest: digest("c") } } }),
      "release record: image a contradicts itself",
    ],
    [
      "another tag than its ref",
      release({ source: { ...release().source, tag: "v2" } }),
      "release record: tag and ref of the source contradict each other",
    ],
  ] as const)("are broken by %s", ([, record, rule]) => {
    expect(rulesOf(checkLinks(record, input))).toEqual([rule]);
  });
});

describe("parts", () => {
  test("are replaced whole, others are kept", () => {
    const before = release({ images: parts.images("b"), metrics: parts.metrics(0.9) });
    expect(withParts(before, { metrics: parts.metrics(0.8) })).toEqual({ ...before, metrics: parts.metrics(0.8) });
  });

  test("of another run make stale what hung on the old one", () => {
    const before = release({
      images: parts.images("b"),
      run: parts.run(1, "c"),
      metrics: parts.metrics(0.9),
      gate: parts.gate(1, "c"),
      model: parts.model("c"),
      deployment: parts.deployment(),
    });
    expect(withParts(before, { run: parts.run(2, "d"), metrics: parts.metrics(0.7) })).toEqual(
      release({ images: parts.images("b"), run: parts.run(2, "d"), metrics: parts.metrics(0.7) }),
    );
  });

  test("of the same run make nothing stale", () => {
    const before = release({ run: parts.run(1, "c"), gate: parts.gate(1, "c") });
    expect(withParts(before, { run: { ...parts.run(1, "c"), attempt: 2 } }).gate).toEqual(before.gate);
  });

  test("of another model leave its deployment behind", () => {
    const before = release({ model: parts.model("c"), deployment: parts.deployment() });
    expect(withParts(before, { model: parts.model("d") })).toEqual(release({ model: parts.model("d") }));
  });
});

test("of two records of one release, what is one's own wins and the other fills the gaps that belong to it", () => {
  const own = release({ run: parts.run(2) });
  const other = release({
    images: parts.images("b"),
    run: parts.run(1),
    gate: parts.gate(1),
    source: { ...release().source, actor: "hubot" },
  });
  expect(joinReleases(own, other)).toEqual(release({ images: parts.images("b"), run: parts.run(2) }));
});

describe("a record of another job", () => {
  const tagged = release();
  const dispatched = release({
    id: "retrain-20261121T090000Z-7",
    source: {
      repository: "acme/digits",
      commit: "b".repeat(40),
      ref: "refs/heads/main",
      event: "workflow_dispatch",
      actor: "octocat",
    },
  });

  test("is taken by a schedule or a dispatch of the repository", () => {
    expect(checkOwner(tagged, dispatched, input).state).toBe("ok");
  });

  test.for([
    ["another tag", release({ id: "v2", source: { ...tagged.source, tag: "v2", ref: "refs/tags/v2" } }), ["release"]],
    ["a tag that was moved", release({ source: { ...tagged.source, commit: "c".repeat(40) } }), ["commit"]],
    ["another repository", release({ source: { ...tagged.source, repository: "evil/digits" } }), ["repository"]],
  ] as const)("is refused by the job of %s", ([, job, wrong]) => {
    const checked = checkOwner(tagged, job, input);
    expect(checked.state === "bad" ? checked.problems.map(({ rule }) => rule) : []).toEqual(
      wrong.map((what) => `the release record is of another ${what}`),
    );
  });

  test("is refused from another repository whatever the event", () => {
    const foreign = release({ source: { ...tagged.source, repository: "evil/digits" } });
    expect(checkOwner(foreign, dispatched, input).state).toBe("bad");
  });
});
