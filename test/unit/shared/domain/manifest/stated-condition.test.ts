import { expect, test } from "vitest";
import { kindOf } from "../../../../../actions/shared/domain/manifest/kinds.ts";
import type { KubeObject } from "../../../../../actions/shared/domain/manifest/object.ts";
import { heldBy, parseStatedCondition } from "../../../../../actions/shared/domain/manifest/stated-condition.ts";
import { statusOf } from "../../../../../actions/shared/domain/manifest/status.ts";

const where = { input: "success-condition" };
const object: KubeObject = {
  apiVersion: "x.test/v1",
  kind: "Thing",
  metadata: { name: "one" },
  status: {
    phase: "Succeeded",
    succeeded: 3,
    ratio: "0.5",
    empty: "",
    ok: true,
    items: [{ name: "a" }, { name: "b" }],
    conditions: [
      { type: "Ready", status: "False", reason: "Busy", message: "still at it" },
      { type: "Complete", status: "True", reason: "Done", message: "all of it" },
      { type: "x.test/Checked", status: "True" },
    ],
  },
};

function stated(text: string) {
  const parsed = parseStatedCondition(text, where);
  if (parsed.state === "bad") throw new Error(parsed.problems[0]?.rule);
  return parsed.value;
}

test.each([
  ["Complete", "Complete is True: Done: all of it"],
  ["Complete=True", "Complete is True: Done: all of it"],
  ["Complete == True", "Complete is True: Done: all of it"],
  ["Complete=False", undefined],
  ["Ready=False", "Ready is False: Busy: still at it"],
  ["Ready", undefined],
  ["x.test/Checked", "x.test/Checked is True"],
  ["Missing", undefined],
  ["status.phase=Succeeded", "status.phase is Succeeded"],
  [".status.phase == Succeeded", "status.phase is Succeeded"],
  ["{.status.phase}=Succeeded", "status.phase is Succeeded"],
  ["$.status.phase=Succeeded", "status.phase is Succeeded"],
  ["status.phase=Failed", undefined],
  ["status.phase!=Running", "status.phase is Succeeded"],
  ["status.nothing!=Running", undefined],
  ["status.succeeded>=3", "status.succeeded is 3"],
  ["status.succeeded>3", undefined],
  ["status.succeeded<4", "status.succeeded is 3"],
  ["status.ratio<=0.5", "status.ratio is 0.5"],
  ["status.empty<1", undefined],
  ["status.ok=true", "status.ok is true"],
  ["status.items[1].name=b", "status.items.1.name is b"],
  ["status.conditions[0]['type']=Ready", "status.conditions.0.type is Ready"],
  ["status.phase=Failed, Complete", "Complete is True: Done: all of it"],
])("%s is held by the object as %j", (text, expected) => {
  expect(heldBy(object, stated(text))).toBe(expected);
});

test.each([
  "",
  "Complete,",
  "=True",
  "status.phase",
  "Complete>1",
  "status.succeeded>many",
  "status..phase=x",
  "a b=c",
])("%j is no condition", (text) => {
  expect(parseStatedCondition(text, where)).toMatchObject({
    state: "bad",
    problems: [{ rule: "must be a condition of the object", where }],
  });
});

const stateOf = (one: KubeObject, success: string, failure?: string) => {
  const both = { success: stated(success), ...(failure === undefined ? {} : { failure: stated(failure) }) };
  return statusOf(one, kindOf(one, both)!).state;
};

test("what is both, success and failure, has failed", () => {
  expect(stateOf(object, "status.phase=Succeeded", "status.succeeded>=3")).toBe("failed");
  expect(stateOf(object, "status.phase=Succeeded", "status.phase=Failed")).toBe("succeeded");
});

test("what says nothing yet waits, what says anything runs", () => {
  const { status: _, ...silent } = object;
  expect(stateOf(silent, "status.phase=Gone")).toBe("pending");
  expect(stateOf(object, "status.phase=Gone", "status.phase=Failed")).toBe("running");
});

test("a stated success stands instead of the table's; what fails by the table fails all the same", () => {
  const job = (status: object): KubeObject =>
    ({ apiVersion: "batch/v1", kind: "Job", metadata: {}, status }) as KubeObject;
  const condition = (type: string) => ({ conditions: [{ type, status: "True" }] });
  expect(stateOf(job(condition("Complete")), "status.succeeded>=2")).toBe("pending");
  expect(stateOf(job({ succeeded: 2 }), "status.succeeded>=2")).toBe("succeeded");
  expect(stateOf(job(condition("Failed")), "status.succeeded>=2")).toBe("failed");
});
