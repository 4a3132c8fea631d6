import type { IncomingMessage } from "node:http";
import { expect, test } from "vitest";
import { environmentOfJob } from "../../actions/shared/connect/job-environment.ts";
import type { Job } from "../../actions/shared/ports/step.ts";
import { answerJson, startServer } from "../support/http-server.ts";

const repository = "acme/digits";

/** A token as GitHub's: what it says stands in its middle. */
const tokenOf = (claims: object) => `e30.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.c2ln`;

async function jobWith(claims: object) {
  const asked: IncomingMessage[] = [];
  const server = await startServer((request, response) => {
    asked.push(request);
    const isOurs = request.headers.authorization === "Bearer runtime-secret";
    answerJson(response, isOurs ? 200 : 401, isOurs ? { count: 1, value: tokenOf(claims) } : { message: "no" });
  });
  return { asked, env: variables(`${server}/token?api-version=2.0`, "runtime-secret") };
}

const variables = (url: string, token: string) => ({
  ACTIONS_ID_TOKEN_REQUEST_URL: url,
  ACTIONS_ID_TOKEN_REQUEST_TOKEN: token,
});

function stepOf(env: Readonly<Record<string, string>>) {
  const masked: string[] = [];
  const github = { repository, runId: "812" } as Job["github"];
  const envOf = (names: readonly string[]) =>
    Object.fromEntries(Object.entries(env).filter(([n]) => names.includes(n)));
  const job = { github, envOf } as Job;
  return { job, mask: (secret: string) => masked.push(secret), signal: new AbortController().signal, masked };
}

const claims = { repository, run_id: "812" };

test("the environment of a job is what GitHub's token says, and every secret on the way is masked", async () => {
  const { env, asked } = await jobWith({ ...claims, environment: "production" });
  const step = stepOf(env);
  expect(await environmentOfJob(step)).toBe("production");
  expect(asked.map(({ url }) => url)).toEqual(["/token?api-version=2.0&audience=ml-release-actions"]);
  expect(step.masked).toEqual(["runtime-secret", tokenOf({ ...claims, environment: "production" })]);
});

test("a job without an environment has none, and one that may not ask neither", async () => {
  const { env } = await jobWith(claims);
  expect(await environmentOfJob(stepOf(env))).toBeUndefined();
  expect(await environmentOfJob(stepOf({}))).toBeUndefined();
});

test.each([
  ["another repository", { ...claims, repository: "eve/digits", environment: "production" }, "PROTOCOL"],
  ["another run", { ...claims, run_id: "1", environment: "production" }, "PROTOCOL"],
  ["nothing that can be read", { environment: "production" }, "PROTOCOL"],
])("a token about %s proves nothing", async (_, said, code) => {
  const { env } = await jobWith(said);
  await expect(environmentOfJob(stepOf(env))).rejects.toMatchObject({ code });
});

test("a refusal names the permission that the job needs", async () => {
  const { env } = await jobWith(claims);
  const asked = environmentOfJob(stepOf({ ...env, ACTIONS_ID_TOKEN_REQUEST_TOKEN: "other" }));
  await expect(asked).rejects.toMatchObject({ code: "AUTH", message: expect.stringContaining("id-token: write") });
});
