import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { sample, seedOfDay } from "../support/kill-points.ts";
import { behindProxy } from "../support/s3-proxy.ts";
import type { S3Server } from "../support/s3-server.ts";
import { startVersitygw, versitygw } from "../support/versitygw.ts";
import { FAULTS, registrationFaults } from "./registration-faults.ts";
import { registrationKills } from "./registration-kills.ts";

const program = await versitygw();
const bytes = (text: string) => new TextEncoder().encode(text);

/** Of the requests of a registration, how many are met by a fault here; `make test-long` meets them all. */
const SAMPLE = 10;
const KILLS = 6;

describe.skipIf(program === undefined)("a fault at any request", () => {
  let server: S3Server;
  beforeAll(async () => {
    server = await startVersitygw({ program: program ?? "" });
  });
  afterAll(() => server.stop());

  describe.each(FAULTS)("%s", (fault) => {
    /** Met by the next request that has this form, and by no other. */
    async function armed(form: RegExp) {
      const { proxy, ...rest } = await behindProxy(server);
      let isArmed = true;
      proxy.befall = (_, line) => {
        if (!isArmed || !form.test(line)) return undefined;
        isArmed = false;
        return fault;
      };
      const arm = () => {
        isArmed = true;
      };
      return { arm, ...rest };
    }

    test("a create, a replace and a remove are done once, and told as done", async () => {
      const { arm, open, direct } = await armed(/^(PUT|DELETE) models\/a$/);
      const store = open();
      const created = await store.create("a", bytes("1"));
      if (created.state !== "created") throw new Error("not created");
      arm();
      const replaced = await store.replace("a", created.etag, bytes("2"));
      if (replaced.state !== "replaced") throw new Error("not replaced");
      expect(new TextDecoder().decode((await direct.read("a"))?.bytes)).toBe("2");
      arm();
      expect(await store.remove("a", replaced.etag)).toEqual({ state: "removed" });
      expect(await direct.read("a")).toBeUndefined();
    });

    test("a create that lost is told as lost", async () => {
      const { open, direct } = await armed(/^PUT models\/a$/);
      await direct.create("a", bytes("first"));
      expect(await open().create("a", bytes("second"))).toEqual({ state: "exists" });
      expect(new TextDecoder().decode((await direct.read("a"))?.bytes)).toBe("first");
    });
  });

  registrationFaults(
    () => server,
    (requests) => sample(requests, SAMPLE, seedOfDay()),
  );

  registrationKills(
    () => server,
    (requests) => sample(requests, KILLS, seedOfDay()),
  );
});
