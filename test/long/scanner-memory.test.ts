import { describe } from "vitest";
import { hostilePicklesGetLittle } from "../contract/hostile-pickles.ts";
import { HOSTILE_FILES, HOSTILE_PICKLES } from "../support/hostile-models.ts";

describe("whatever a file does to get memory, it gets little", () => {
  hostilePicklesGetLittle([...Object.keys(HOSTILE_PICKLES), ...Object.keys(HOSTILE_FILES)]);
});
