import { mkdirSync, writeFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { systemClock } from "../../actions/shared/lib/clock.ts";
import { startServer } from "../support/http-server.ts";
import { jobContext } from "../support/job-context.ts";
import { modelRelease } from "../support/model-release.ts";
import { runAction } from "../support/run-action.ts";
import { newBucket, type S3Server, storeAt } from "../support/s3-server.ts";
import { startVersitygw, versitygw } from "../support/versitygw.ts";

const program = await versitygw();
const bytes = (text: string) => new TextEncoder().encode(text);

describe.skipIf(program === undefined)("who asks", () => {
  let server: S3Server;
  beforeAll(async () => {
    server = await startVersitygw({ program: program ?? "" });
  });
  afterAll(() => server.stop());

  async function register(env: Readonly<Record<string, string>>, home?: Readonly<Record<string, string>>) {
    const bucket = await newBucket(server);
    const job = jobContext({ tag: "v1.0.0" });
    for (const [path, text] of Object.entries(home ?? {})) {
      mkdirSync(join(job.userHome, ".aws"), { recursive: true });
      writeFileSync(join(job.userHome, path), text);
    }
    const release = await modelRelease(job);
    const { main } = await runAction("register-model", {
      job,
      env: { AWS_EC2_METADATA_DISABLED: "true", AWS_ENDPOINT_URL_S3: server.endpoint, ...env },
      with: { name: "digits", release, store: `s3://${bucket}/models` },
      post: false,
    });
    return main;
  }

  test("a profile of the user's configuration", async () => {
    const { accessKeyId, secretAccessKey } = server.keys;
    const keys = `aws_access_key_id = ${accessKeyId}\naws_secret_access_key = ${secretAccessKey}\n`;
    const main = await register({ AWS_PROFILE: "release" }, { ".aws/credentials": `[release]\n${keys}` });
    expect({ code: main.code, stderr: main.stderr }).toEqual({ code: 0, stderr: "" });
  });

  test("a web identity, which is asked for again before it expires", async () => {
    const asked: string[] = [];
    const sts = await startServer(async (request, response) => answerIdentity({ request, response, asked, server }));
    const job = jobContext();
    const token = join(job.temp, "token");
    writeFileSync(token, "the-identity-of-the-job");
    const role = "arn:aws:iam::123456789012:role/release";
    const main = await register({
      AWS_ROLE_ARN: role,
      AWS_WEB_IDENTITY_TOKEN_FILE: token,
      AWS_ENDPOINT_URL_STS: sts,
      AWS_REGION: "us-east-1",
    });
    expect({ code: main.code, stderr: main.stderr }).toEqual({ code: 0, stderr: "" });
    expect(asked.length).toBeGreaterThan(1);
    const form = new URLSearchParams(asked[0]);
    expect([form.get("RoleArn"), form.get("WebIdentityToken")]).toEqual([role, "the-identity-of-the-job"]);
    expect(main.stdout).not.toContain("the-identity-of-the-job");
  });

  test("nobody: the error names the variables", async () => {
    const main = await register({});
    expect(main.code).toBe(1);
    expect(main.stdout).toMatch(/AUTH input store: no credential for S3 could be had/);
  });

  test("a machine whose clock is an hour ahead is told so", async () => {
    const bucket = await newBucket(server);
    const real = Date.now;
    Date.now = () => real() + 3_600_000;
    try {
      const clock = { ...systemClock, now: () => Date.now() };
      const refused = storeAt({ server, bucket, clock }).create("a", bytes("x"));
      await expect(refused).rejects.toThrow(/^\[CONFIG\] .*clock of this machine .*1h ahead; allowed: 15 min/);
    } finally {
      Date.now = real;
    }
  });

  test("a wrong region is told with the right one", async () => {
    const bucket = await newBucket(server);
    const refused = storeAt({ server, bucket, rest: "models?region=eu-west-1" }).create("a", bytes("x"));
    await expect(refused).rejects.toThrow(/^\[CONFIG\] .*allowed: us-east-1.*set AWS_REGION to us-east-1/);
  });
});

type Asking = {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly asked: string[];
  readonly server: S3Server;
};

/** As AWS's token service does: keys for an identity. They are so short-lived that they are due as soon as they are there. */
async function answerIdentity({ request, response, asked, server }: Asking): Promise<void> {
  let form = "";
  for await (const chunk of request) form += String(chunk);
  asked.push(form);
  const { accessKeyId, secretAccessKey } = server.keys;
  const expiration = new Date(Date.now() + 60_000).toISOString();
  response.writeHead(200, { "content-type": "text/xml" }).end(`
<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleWithWebIdentityResult>
<Credentials><AccessKeyId>${accessKeyId}</AccessKeyId><SecretAccessKey>${secretAccessKey}</SecretAccessKey>
<SessionToken></SessionToken><Expiration>${expiration}</Expiration></Credentials>
</AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`);
}
