import { afterAll, beforeAll, describe, test } from "vitest";
import { raceForVersions } from "../contract/registry-contract.ts";
import { registrationFaults } from "../s3/registration-faults.ts";
import { registrationKills } from "../s3/registration-kills.ts";
import { jobsOn } from "../s3/version-race.ts";
import { all } from "../support/kill-points.ts";
import type { S3Server } from "../support/s3-server.ts";
import { startVersitygw, versitygw } from "../support/versitygw.ts";

const program = await versitygw();

describe.skipIf(program === undefined)("on S3", () => {
  let server: S3Server;
  beforeAll(async () => {
    server = await startVersitygw({ program: program ?? "" });
  });
  afterAll(() => server.stop());

  describe("a fault at every request of a registration", () => {
    registrationFaults(() => server, all);
    registrationKills(() => server, all);
  });

  test("16 jobs take the next free version number, 50 times over, and each gets another one", async () => {
    await raceForVersions(await jobsOn(server), 50);
  });
});
