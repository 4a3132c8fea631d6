import { expect, test } from "vitest";
import { parseSourceAddress } from "../../../../../actions/shared/clients/mlflow/source-address.ts";

const MODEL = `m-${"0123456789abcdef".repeat(2)}`;

test.each([
  ["runs:/1cd3d2/model", { of: "run", runId: "1cd3d2", path: "model" }],
  ["runs:/1cd3d2/export/model/", { of: "run", runId: "1cd3d2", path: "export/model" }],
  ["runs:/1cd3d2", { of: "run", runId: "1cd3d2", path: "" }],
  ["models:/digits/3", { of: "version", name: "digits", version: "3" }],
  ["models:/digits@champion", { of: "alias", name: "digits", alias: "champion" }],
  [`models:/${MODEL}`, { of: "model", modelId: MODEL, path: "" }],
  [`models:/${MODEL}/model.pkl`, { of: "model", modelId: MODEL, path: "model.pkl" }],
])("reads %s", (text, value) => {
  expect(parseSourceAddress(text)).toEqual({ state: "ok", value });
});

test.each([
  "models:/digits/Production",
  "models:/digits/latest",
  "models:/digits",
  "runs:/",
  "runs:/1cd3d2/../other",
  "runs:/1cd3d2/a//b",
  `models:/${MODEL}/./x`,
])("refuses %s, and says what it takes", (text) => {
  const read = parseSourceAddress(text);
  expect(read).toMatchObject({ state: "bad", problems: [{ where: { input: "model" }, saw: JSON.stringify(text) }] });
});
