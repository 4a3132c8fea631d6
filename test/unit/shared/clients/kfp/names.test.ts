import { expect, test } from "vitest";
import { namesOn, suffixed } from "../../../../../actions/shared/clients/kfp/names.ts";

test.each([
  ["v1.1.0", "digits-v1.1.0"],
  ["V1.1.0", "digits-v1.1.0"],
  ["model@v1.1.0+b_1", "digits-model-v1.1.0-b-1"],
  ["retrain-20261121T090000Z-812", "digits-retrain-20261121t090000z-812"],
  ["-x.-y-", "digits-x.y"],
  ["日本", ""],
])("the version %s is %s where names are DNS names", (version, name) => {
  const names = namesOn("kubernetes", { name: "digits", version });
  expect(names).toEqual({ pipeline: "digits", pipelineTitle: "digits", version: name, versionTitle: version });
});

test("elsewhere names are kept, and a suffix goes to both", () => {
  const names = namesOn("database", { name: "Digits training", version: "V1" });
  expect(suffixed(names, 2)).toEqual({
    pipeline: "Digits training",
    pipelineTitle: "Digits training",
    version: "V1-2",
    versionTitle: "V1-2",
  });
});
