import { describe } from "vitest";
import { hostilePicklesGetLittle } from "../contract/hostile-pickles.ts";
import { HOSTILE_PICKLES } from "../support/hostile-models.ts";

describe("whatever a pickle does to get memory, it gets little", () => {
  hostilePicklesGetLittle(Object.keys(HOSTILE_PICKLES));
});
