import { expect, test } from "vitest";
import { versionsToRemove } from "../../../../../actions/shared/clients/kfp/prune-versions.ts";

const versions = ["a", "b", "c", "d", "e"].map((id) => ({ pipeline_version_id: id }));

test.each([
  { keep: 9, inUse: ["e"], gone: "" },
  { keep: 5, inUse: ["e"], gone: "" },
  { keep: 3, inUse: ["e"], gone: "ab" },
  { keep: 3, inUse: ["a", "e"], gone: "bc" },
  { keep: 1, inUse: ["a", "c", "e"], gone: "bd" },
  { keep: 0, inUse: ["e"], gone: "abcd" },
])("keeping $keep with $inUse in use removes $gone", ({ keep, inUse, gone }) => {
  const removed = versionsToRemove(versions, { keep, inUse: new Set(inUse) });
  expect(removed.map(({ pipeline_version_id: id }) => id).join("")).toBe(gone);
});
