import { describe } from "vitest";
import { ociLayoutKills } from "../contract/oci-layout-kills.ts";
import { all } from "../support/kill-points.ts";

describe("kill -9 at every touch of the disk by a folder of images", () => {
  ociLayoutKills(all);
});
