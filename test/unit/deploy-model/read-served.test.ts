import { expect, test } from "vitest";
import { readServed } from "../../../actions/deploy-model/prepare/read-served.ts";
import type { Problem } from "../../../actions/shared/domain/problem.ts";
import { type ErrorCode, ReleaseError } from "../../../actions/shared/lib/error.ts";
import type { Serving } from "../../../actions/shared/ports/serving.ts";
import { memoryTarget } from "../../support/memory-target.ts";

const model = { name: "digits", version: "2", digest: `sha256:${"2".repeat(64)}` } as const;
const RULES: readonly Problem[] = [{ rule: "may not get deployments" }, { rule: "may not list services" }];

function refusing(code: ErrorCode, check: Serving["check"]): Serving {
  const current = async () => {
    throw new ReleaseError(code, { rule: "refused" });
  };
  const { target } = memoryTarget({ serving: { share: 0 }, entry: undefined });
  return { ...target.serving, current, check };
}

test("an account that may not read is told of everything that it lacks", async () => {
  const serving = refusing("AUTH", async () => RULES);
  await expect(readServed(serving, model)).rejects.toMatchObject({ code: "AUTH", problems: RULES });
});

test("where that cannot be asked either, of the first refusal", async () => {
  const serving = refusing("AUTH", async () => {
    throw new ReleaseError("UNAVAILABLE", { rule: "away" });
  });
  await expect(readServed(serving, model)).rejects.toMatchObject({ code: "AUTH", problems: [{ rule: "refused" }] });
});

test("other failures are told as they are", async () => {
  const serving = refusing("NOT_FOUND", async () => RULES);
  await expect(readServed(serving, model)).rejects.toMatchObject({ code: "NOT_FOUND" });
});
