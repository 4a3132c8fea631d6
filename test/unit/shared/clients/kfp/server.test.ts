import { expect, test } from "vitest";
import { kfpPodLog } from "../../../../../actions/shared/clients/kfp/pod-log.ts";
import { kfpBase } from "../../../../../actions/shared/clients/kfp/server.ts";
import { ReleaseError } from "../../../../../actions/shared/lib/error.ts";
import type { HttpRequest } from "../../../../../actions/shared/lib/http.ts";

const clock = { now: () => 0, sleep: async () => {} };

/** A server that is away when it is asked first. */
function awayAtFirst() {
  let asked = 0;
  return async ({ url }: HttpRequest) => {
    asked += 1;
    if (asked === 1) throw new ReleaseError("UNAVAILABLE", { rule: "Kubeflow Pipelines is not available" });
    const body = String(url).endsWith("/log") ? "epoch 1\n" : '{"multi_user":false}';
    const bytes = new TextEncoder().encode(body);
    return { status: 200, headers: new Headers(), bytes, text: () => body, json: () => JSON.parse(body) };
  };
}

test("the API of a server that was away is looked for again", async () => {
  const base = kfpBase({ endpoint: "http://kfp.test", send: awayAtFirst(), clock });
  await expect(base()).rejects.toMatchObject({ code: "UNAVAILABLE" });
  expect(await base()).toBe("http://kfp.test");
});

test("logs of a server that was away are asked for again", async () => {
  const podLog = kfpPodLog({ endpoint: "http://kfp.test", send: awayAtFirst(), clock });
  await expect(podLog("run", "pod")).rejects.toMatchObject({ code: "UNAVAILABLE" });
  expect((await podLog("run", "pod"))?.text).toBe("epoch 1\n");
});
