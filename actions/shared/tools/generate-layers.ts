import { readFileSync, writeFileSync } from "node:fs";
import { layersJson } from "./layers.ts";

// Writes biome.layers.json; with --check only compares.
const path = new URL("../../../biome.layers.json", import.meta.url);
const check = process.argv.includes("--check");
const stale = readFileSync(path, "utf8") !== layersJson();
if (!check) writeFileSync(path, layersJson());
if (check && stale) {
  console.error("biome.layers.json is stale (it differs from actions/shared/tools/layers.ts); run `make generate`");
  process.exitCode = 1;
}
