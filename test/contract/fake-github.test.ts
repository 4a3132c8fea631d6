import { afterEach, describe, expect, it } from "vitest";
import { type FakeGitHub, startGitHub } from "../fakes/github/github.ts";
import { FORK_TOKEN, JOB_TOKEN, userToken } from "../fakes/github/tokens.ts";

// The fake is only worth something where it refuses what GitHub refuses.

const SHA = "a".repeat(40);
const ALICE = userToken("ghp_alice", "alice");
let github: FakeGitHub;

afterEach(() => github.close());

/** Whatever was answered; a list too is read by its numbers. */
type Body = { readonly [key: string]: Body } & { readonly id: number };

async function call(method: string, path: string, body?: unknown) {
  return callAs(JOB_TOKEN.text, { method, path, body });
}

async function callAs(token: string, { method, path, body }: { method: string; path: string; body?: unknown }) {
  const response = await fetch(`${github.url}${path}`, {
    method,
    headers: { authorization: `token ${token}` },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: response.status, link: response.headers.get("link"), body: (await response.json()) as Body };
}

const CHECKS = "/repos/acme/digits/check-runs";
const COMMENTS = "/repos/acme/digits/issues/7/comments";
const CHECK = { name: "gate", head_sha: SHA, status: "completed", conclusion: "success" };

function annotations(count: number) {
  return Array.from({ length: count }, (_, line) => ({
    path: "gates.txt",
    start_line: line + 1,
    end_line: line + 1,
    annotation_level: "failure",
    message: "too low",
  }));
}

function output(change: Record<string, unknown>) {
  return { ...CHECK, output: { title: "t", summary: "s", ...change } };
}

describe("a request that GitHub would refuse", () => {
  it.each([
    ["a check without a commit", "POST", CHECKS, { name: "gate" }, "/ must have required property 'head_sha'"],
    [
      "a misspelt key",
      "POST",
      CHECKS,
      { ...CHECK, conclusoin: "success" },
      "/ must NOT have additional properties 'conclusoin'",
    ],
    [
      "a misspelt key inside",
      "POST",
      CHECKS,
      output({ txet: "" }),
      "/output must NOT have additional properties 'txet'",
    ],
    [
      "a conclusion of its own",
      "POST",
      CHECKS,
      { ...CHECK, conclusion: "no-data" },
      "/conclusion must be equal to one of the allowed values",
    ],
    [
      "51 annotations",
      "POST",
      CHECKS,
      output({ annotations: annotations(51) }),
      "/output/annotations must NOT have more than 50 items",
    ],
    [
      "a long summary",
      "POST",
      CHECKS,
      output({ summary: "x".repeat(65_536) }),
      "/output/summary must NOT have more than 65535 characters",
    ],
    [
      "a long text",
      "POST",
      CHECKS,
      output({ text: "x".repeat(65_536) }),
      "/output/text must NOT have more than 65535 characters",
    ],
    [
      "a long title",
      "POST",
      CHECKS,
      output({ title: "x".repeat(256) }),
      "title is too long (maximum is 255 characters)",
    ],
    [
      "a check that is completed without conclusion",
      "POST",
      CHECKS,
      { name: "gate", head_sha: SHA, status: "completed" },
      "conclusion is required when status is completed",
    ],
    [
      "an annotation from line 2 to 1",
      "POST",
      CHECKS,
      output({ annotations: [{ ...annotations(2)[1], end_line: 1 }] }),
      "annotation ends before it starts",
    ],
    [
      "a long comment",
      "POST",
      COMMENTS,
      { body: "x".repeat(65_537) },
      "body is too long (maximum is 65536 characters)",
    ],
    ["a comment without a body", "POST", COMMENTS, {}, "/ must have required property 'body'"],
    ["an unknown parameter", "GET", `${COMMENTS}?pages=2`, undefined, "parameter pages is not known"],
    ["a number that is none", "GET", `${COMMENTS}?page=two`, undefined, "parameter page /"],
  ])("%s", async (...[, method, path, body, problem]) => {
    github = await startGitHub();
    const answer = await call(method, path, body);
    expect(answer.status).toBe(422);
    expect(github.problems).toHaveLength(1);
    expect(github.problems[0]).toContain(problem);
    expect(github.state.checkRuns.size + github.state.comments.size).toBe(0);
  });

  it("goes to an address that is not there", async () => {
    github = await startGitHub();
    expect((await call("POST", "/repos/acme/digits/check_runs", CHECK)).status).toBe(404);
    expect(github.problems).toEqual(["request POST /repos/acme/digits/check_runs: is not in the description"]);
  });

  it("has no token, or a token that may not", async () => {
    github = await startGitHub({ tokens: [FORK_TOKEN, ALICE] });
    const post = { method: "POST", path: CHECKS, body: CHECK };
    expect((await callAs("ghs_wrong", post)).status).toBe(401);
    expect(await callAs(FORK_TOKEN.text, post)).toMatchObject({
      status: 403,
      body: { message: "Resource not accessible by integration" },
    });
    expect(await callAs(ALICE.text, post)).toMatchObject({
      status: 403,
      body: { message: "You must authenticate via a GitHub App." },
    });
    expect((await callAs(FORK_TOKEN.text, { method: "POST", path: COMMENTS, body: { body: "hello" } })).status).toBe(
      403,
    );
    expect((await callAs(FORK_TOKEN.text, { method: "GET", path: "/user" })).status).toBe(403);
    expect(github.problems).toEqual([]);
  });
});

describe("a request that is right", () => {
  it("makes a check run that is found by name and commit, and changed in place, its annotations appended", async () => {
    github = await startGitHub();
    const made = await call("POST", CHECKS, output({ annotations: annotations(2) }));
    await call("PATCH", `${CHECKS}/${made.body.id}`, {
      conclusion: "failure",
      output: { summary: "new", annotations: annotations(1) },
    });
    const found = await call("GET", `/repos/acme/digits/commits/${SHA}/check-runs?check_name=gate`);
    expect(found.body).toMatchObject({ total_count: 1, check_runs: [{ id: made.body.id, conclusion: "failure" }] });
    expect(found.body.check_runs?.[0]?.output).toMatchObject({ title: "t", summary: "new", annotations_count: 3 });
    expect((await call("GET", `${CHECKS}/${made.body.id}/annotations`)).body).toHaveLength(3);
    expect((await call("GET", `/repos/acme/digits/commits/${"b".repeat(40)}/check-runs`)).body.total_count).toBe(0);
    expect(github.problems).toEqual([]);
  });

  it("lists comments in pages of 30, under the author's name", async () => {
    github = await startGitHub({ tokens: [JOB_TOKEN, ALICE] });
    for (let index = 0; index < 31; index++)
      await callAs(ALICE.text, { method: "POST", path: COMMENTS, body: { body: `${index}` } });
    const first = await call("GET", COMMENTS);
    expect(first.body).toHaveLength(30);
    expect(first.body[0]).toMatchObject({ body: "0", user: { login: "alice", type: "User" } });
    const next = /<([^>]+)>; rel="next"/.exec(first.link ?? "")?.[1] ?? "";
    expect(await call("GET", next.replace(github.url, ""))).toMatchObject({ link: null, body: [{ body: "30" }] });
    expect(github.problems).toEqual([]);
  });
});

describe("a fault", () => {
  it("drops the connection before or after the deed", async () => {
    github = await startGitHub();
    github.fail({ operation: "issues/create-comment", how: { kind: "drop", when: "before" } });
    await expect(call("POST", COMMENTS, { body: "one" })).rejects.toThrow();
    expect(github.state.comments.size).toBe(0);
    github.fail({ operation: "issues/create-comment", how: { kind: "drop", when: "after" } });
    expect(github.faultsLeft()).toEqual(["issues/create-comment"]);
    await expect(call("POST", COMMENTS, { body: "two" })).rejects.toThrow();
    expect(github.state.comments.size).toBe(1);
    expect(github.faultsLeft()).toEqual([]);
  });

  it("is itself checked against the description", async () => {
    github = await startGitHub();
    github.fail({
      operation: "checks/list-for-ref",
      how: { kind: "answer", answer: { status: 200, body: { check_runs: [] } } },
    });
    await call("GET", `/repos/acme/digits/commits/${SHA}/check-runs`);
    expect(github.problems).toEqual(["answer checks/list-for-ref 200: / must have required property 'total_count'"]);
  });
});
