import { describe } from "vitest";
import { hostilePicklesGetLittle } from "./hostile-pickles.ts";

describe("a pickle that wants as much memory as it can get gets little", () => {
  hostilePicklesGetLittle(["texts in the memo", "dictionaries in the memo", "pickles one after the other"]);
});
