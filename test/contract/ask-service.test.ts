import { describe, expect, test } from "vitest";
import { type AskPlace, askService } from "../../actions/shared/clients/kubernetes/ask-service.ts";
import { answerJson } from "../support/http-server.ts";
import { type ScriptedKube, scriptedKube } from "../support/scripted-kube.ts";

const placeOf = ({ connection }: ScriptedKube): AskPlace => ({
  connection,
  namespace: "prod",
  clock: { now: () => 0, sleep: async () => {} },
  signal: new AbortController().signal,
});
const service = { kind: "service", name: "digits", port: 80 } as const;
const status = (code: number, message: string) => ({ kind: "Status", status: "Failure", code, message });

describe("a server that is asked through the API server", () => {
  test("gets the question, and its answer is as it gave it, whatever the status", async () => {
    const kube = await scriptedKube((response, { method, url, body }) => {
      response.statusCode = url.pathname.endsWith("/infer") ? 503 : 200;
      response.end(`${method} ${url.pathname}${url.search} ${body}`);
    });
    const place = placeOf(kube);
    expect(await askService(place, { ...service, path: "/v2/health/ready?x=1" })).toEqual({
      status: 200,
      text: "GET /api/v1/namespaces/prod/services/digits:80/proxy/v2/health/ready?x=1 ",
      ms: 0,
    });
    const pod = { kind: "pod", name: "digits-1", port: 8080 } as const;
    expect(await askService(place, { ...pod, path: "/infer", body: "{}" })).toMatchObject({
      status: 503,
      text: "POST /api/v1/namespaces/prod/pods/digits-1:8080/proxy/infer {}",
    });
    expect(kube.asked).toHaveLength(2);
  });

  test("is the only one that gets it", async () => {
    const kube = await scriptedKube((response) => answerJson(response, 200, {}));
    const asked = askService(placeOf(kube), { ...service, path: "/../../../secrets/registry" });
    await expect(asked).rejects.toThrow(/^\[REFUSED\] .*goes to nobody else.*\/secrets\/registry/);
    expect(kube.asked).toEqual([]);
  });

  const denied =
    'services "digits:80" is forbidden: User "ci" cannot get resource "services/proxy" in API group "" in the namespace "prod"';
  test.for<[string, number, string | object, RegExp]>([
    [
      "has no pod",
      503,
      status(503, "no endpoints available"),
      /^\[UNAVAILABLE\] .*503: no endpoints available.*kubectl -n prod describe service digits/,
    ],
    [
      "is not there",
      404,
      status(404, 'services "digits" not found'),
      /^\[UNAVAILABLE\] .*404: services "digits" not found/,
    ],
    [
      "cannot be reached",
      502,
      "error trying to reach service: dial tcp 10.0.0.7:80",
      /^\[UNAVAILABLE\] .*502: error trying to reach service/,
    ],
    ["may not be asked", 403, status(403, denied), /^\[AUTH\] .*Role in namespace prod.*services\/proxy/],
    ["is kept from us by a policy", 403, status(403, "admission webhook said no"), /^\[REFUSED\] .*webhook said no/],
  ])("says in the API server's words that it %s", async ([, code, said, words]) => {
    const kube = await scriptedKube((response) => {
      if (typeof said !== "string") return answerJson(response, code, said);
      response.statusCode = code;
      response.end(said);
    });
    await expect(askService(placeOf(kube), { ...service, path: "/" })).rejects.toThrow(words);
  });

  test("may itself know nobody", async () => {
    const kube = await scriptedKube((response) => answerJson(response, 401, { error: "who are you?" }));
    expect(await askService(placeOf(kube), { ...service, path: "/" })).toMatchObject({ status: 401 });
    expect(kube.asked).toHaveLength(1);
  });
});
