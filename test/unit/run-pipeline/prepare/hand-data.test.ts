import { expect, test } from "vitest";
import { handData } from "../../../../actions/run-pipeline/prepare/hand-data.ts";
import type { ResolvedData } from "../../../../actions/run-pipeline/prepare/resolve-data.ts";
import type { DataSet } from "../../../../actions/shared/domain/release.ts";
import { dataParameters } from "../../../../actions/shared/domain/run/data-address.ts";

const setOf = (role: string): DataSet => ({ role, uri: `s3://data/${role}`, version: "3" });

function dataOf(...roles: readonly string[]): ResolvedData {
  const entries = roles.flatMap((role) => {
    const { uri, digest } = dataParameters(role);
    return [
      [uri, `s3://data/${role}`],
      [digest, "3"],
    ];
  });
  const parameters = Object.fromEntries(entries) as ResolvedData["parameters"];
  return { sets: roles.map(setOf), parameters, places: [], findings: [], problems: [] };
}

const nothingWritten = { values: {}, placeOf: () => ({ input: "parameters" }) };
const asksForNeither = ({ uri, digest }: ReturnType<typeof dataParameters>) =>
  `it asks for neither ${uri} nor ${digest}`;

test("only what is asked for is handed on, and one of the two parameters is enough", () => {
  const handed = handData(dataOf("train", "test"), nothingWritten, {
    names: ["train_digest", "epochs"],
    asksForNeither,
  });
  expect(handed.parameters).toEqual({ train_digest: "3" });
  expect(handed.sets).toEqual([setOf("train")]);
  expect(handed.findings.map(({ message }) => message)).toEqual([
    "it asks for neither test_uri nor test_digest: the data set test is recorded, but not handed to it",
  ]);
});

test("a role that another one begins with is not heard through that one's parameters", () => {
  const { sets } = handData(dataOf("train", "train_extra"), nothingWritten, {
    names: ["train_extra_uri"],
    asksForNeither,
  });
  expect(sets).toEqual([setOf("train_extra")]);
});

test("a role with a hyphen is told of by the parameters that it would arrive as", () => {
  const { findings } = handData(dataOf("hold-out"), nothingWritten, { names: [], asksForNeither });
  expect(findings[0]?.message).toContain("neither hold_out_uri nor hold_out_digest: the data set hold-out");
});

test("a parameter that is written as well is a problem where it is written", () => {
  const written = { values: { train_uri: "data/other.csv" }, placeOf: () => ({ file: "parameters.yaml", line: 2 }) };
  const { problems } = handData(dataOf("train"), written, { names: ["train_uri", "train_digest"], asksForNeither });
  expect(problems).toEqual([
    expect.objectContaining({
      rule: "the parameter train_uri comes from `data` already",
      where: { file: "parameters.yaml", line: 2 },
    }),
  ]);
});
