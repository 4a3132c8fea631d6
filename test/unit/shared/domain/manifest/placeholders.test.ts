import { expect, test } from "vitest";
import { fillPlaceholders, placeholdersIn } from "../../../../../actions/shared/domain/manifest/placeholders.ts";

test.each([
  ["{{parameters.lr}}", { lr: 0.01 }, 0.01],
  ["{{ parameters.lr }}", { lr: 0.01 }, 0.01],
  ["{{parameters.flag}}", { flag: true }, true],
  ["{{parameters.list}}", { list: [1, 2] }, [1, 2]],
  ["--lr={{parameters.lr}}", { lr: 0.01 }, "--lr=0.01"],
  ["{{parameters.a}}-{{parameters.b}}", { a: 1, b: "x" }, "1-x"],
  ["{{parameters.list}}!", { list: [1, 2] }, "[1,2]!"],
  // Katib's own, and what is no placeholder, stay
  ["${trialParameters.lr}", {}, "${trialParameters.lr}"],
  ["{{workflow.name}}", {}, "{{workflow.name}}"],
])("%j with %j becomes %j", (text, values, expected) => {
  expect(fillPlaceholders({ spec: { x: text } }, values)).toMatchObject({
    object: { spec: { x: expected } },
    faults: [],
  });
});

test("where Kubernetes takes text only, a number becomes text", () => {
  const x = "{{parameters.n}}";
  const object = {
    metadata: { labels: { n: x }, annotations: { n: x } },
    spec: {
      replicas: x,
      template: { spec: { containers: [{ args: ["--n", x], command: [x], env: [{ name: "N", value: x }] }] } },
    },
  };
  expect(fillPlaceholders(object, { n: 3 }).object).toEqual({
    metadata: { labels: { n: "3" }, annotations: { n: "3" } },
    spec: {
      replicas: 3,
      template: { spec: { containers: [{ args: ["--n", "3"], command: ["3"], env: [{ name: "N", value: "3" }] }] } },
    },
  });
});

test("a placeholder without a value is an error with its place and the nearest name", () => {
  const { faults } = fillPlaceholders({ spec: { args: ["{{parameters.epoch}}"] } }, { epochs: 3 });
  expect(faults).toMatchObject([
    {
      level: "error",
      path: [0, "spec", "args", 0],
      rule: "no value for the placeholder {{parameters.epoch}}",
      hint: "did you mean epochs?",
    },
  ]);
});

test("a name that every object has from birth is no value", () => {
  expect(fillPlaceholders({ spec: "{{parameters.constructor}}" }, {}).faults).toHaveLength(1);
});

test("the names that are asked for, each once", () => {
  expect(placeholdersIn({ a: "{{parameters.x}} {{parameters.y}}", b: ["{{parameters.x}}"] })).toEqual(["x", "y"]);
});
