import { describe } from "vitest";
import { folderStoreKills } from "../contract/folder-store-kills.ts";
import { all } from "../support/kill-points.ts";

describe("kill -9 at every touch of the disk by a folder store", () => {
  folderStoreKills(all);
});
