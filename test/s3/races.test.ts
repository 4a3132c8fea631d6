import { afterAll, beforeAll, describe } from "vitest";
import { registryContract } from "../contract/registry-contract.ts";
import type { S3Server } from "../support/s3-server.ts";
import { startVersitygw, versitygw } from "../support/versitygw.ts";
import { jobsOn } from "./version-race.ts";

const program = await versitygw();

describe.skipIf(program === undefined)("many jobs at once on versitygw", () => {
  let server: S3Server;
  beforeAll(async () => {
    server = await startVersitygw({ program: program ?? "" });
  });
  afterAll(() => server.stop());

  registryContract(() => jobsOn(server), 2);
});
