import { afterAll, beforeAll, describe } from "vitest";
import { registrationFaults } from "../s3/registration-faults.ts";
import { all } from "../support/kill-points.ts";
import type { S3Server } from "../support/s3-server.ts";
import { startVersitygw, versitygw } from "../support/versitygw.ts";

const program = await versitygw();

describe.skipIf(program === undefined)("a registration on S3 meets a fault at every request", () => {
  let server: S3Server;
  beforeAll(async () => {
    server = await startVersitygw({ program: program ?? "" });
  });
  afterAll(() => server.stop());

  registrationFaults(() => server, all);
});
