import { expect, test } from "vitest";
import type { HttpRequest, Send } from "../../actions/shared/lib/http.ts";
import { sample, seedOfDay } from "../support/kill-points.ts";
import { soak } from "../support/soak.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const SEEDS = 10;

// All thousand worlds are part of `make test-long`.
test(`in ${SEEDS} bad worlds of day ${seedOfDay()}: one run of an attempt, no false success, nothing left behind, calls within the budget`, async () => {
  const folder = await temporaryFolder();
  const broken = [];
  for (const seed of sample(1_000, SEEDS, seedOfDay())) {
    const one = await soak(seed, { folder });
    if (one.broken.length > 0) broken.push(one);
  }
  expect(broken).toEqual([]);
}, 300_000);

// A soak that never finds anything may be blind. Three ways to break its promises, each found within a few worlds.
const MEDDLERS: Readonly<Record<string, { readonly meddle: (hop: Send) => Send; readonly found: RegExp }>> = {
  "a proxy that repeats what it has sent": {
    meddle: (hop) => async (wanted) => {
      const answer = await hop(wanted);
      if (isCall(wanted, "POST", /\/runs$/)) await hop(wanted);
      return answer;
    },
    found: /2 workflows of run/,
  },
  "a server that calls a failed run succeeded": {
    meddle: (hop) => async (wanted) => {
      const answer = await hop(wanted);
      const text = answer.text().replaceAll('"FAILED"', '"SUCCEEDED"');
      return { ...answer, text: () => text, json: () => JSON.parse(text) as unknown };
    },
    found: /success is told of a run that is/,
  },
  "a gateway that swallows the end of a run": {
    meddle: (hop) => async (wanted) => {
      if (!isCall(wanted, "POST", /:terminate$/)) return hop(wanted);
      const text = "{}";
      return { status: 200, headers: new Headers(), bytes: Buffer.from(text), text: () => text, json: () => ({}) };
    },
    found: /go on after/,
  },
};

test.each(Object.entries(MEDDLERS))("%s is noticed", async (_, { meddle, found }) => {
  const folder = await temporaryFolder();
  const seen: string[] = [];
  for (let seed = 1; seed <= 40 && !seen.some((one) => found.test(one)); seed++)
    seen.push(...(await soak(seed, { folder, meddle, trainingMs: 1_200_000 })).broken);
  expect(seen.join("\n")).toMatch(found);
});

function isCall({ method, url }: HttpRequest, wanted: string, path: RegExp): boolean {
  return method === wanted && path.test(new URL(url).pathname);
}
