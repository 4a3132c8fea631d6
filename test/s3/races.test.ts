import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ModelEvent } from "../../actions/shared/domain/model-version.ts";
import { findAlias, moveAlias } from "../../actions/shared/lib/model-registry/aliases.ts";
import { appendEvent, history } from "../../actions/shared/lib/model-registry/log.ts";
import type { S3Server } from "../support/s3-server.ts";
import { startVersitygw, versitygw } from "../support/versitygw.ts";
import { jobsOn, raceForVersions, WRITERS } from "./version-race.ts";

const program = await versitygw();
const act = { by: "octocat", at: "2026-11-21T09:00:00Z", release: "v1.0.0" };
const digest = `sha256:${"a".repeat(64)}` as const;

describe.skipIf(program === undefined)("many jobs at once", () => {
  let server: S3Server;
  beforeAll(async () => {
    server = await startVersitygw({ program: program ?? "" });
  });
  afterAll(() => server.stop());

  const jobs = () => jobsOn(server);

  test("that take the next free version number each get another one", async () => {
    await raceForVersions(await jobs(), 8);
  });

  test("that move an alias lose no move", async () => {
    const all = await jobs();
    const moves = await Promise.all(
      all.map(async ({ store, writer }) => {
        for (let tries = 1; ; tries++) {
          const expected = (await findAlias(store, "digits", "champion"))?.etag;
          const to = { version: `${writer}.0.0`, digest };
          const moved = await moveAlias(store, { name: "digits", alias: "champion", to, expected, act });
          if (moved.state === "moved") return moved.alias.move;
          if (tries > 200) throw new Error("never moved");
        }
      }),
    );
    expect(moves.toSorted((a, b) => a - b)).toEqual(Array.from({ length: WRITERS }, (_, i) => i + 1));
    const events = await history(all[0].store, "digits");
    expect(new Set(events.map(({ version }) => version)).size).toBe(WRITERS);
  });

  test("that write the log leave no gap and lose no entry", async () => {
    const all = await jobs();
    const numbers = await Promise.all(
      all.flatMap(({ store, writer }) =>
        [1, 2, 3].map((entry) => {
          const event: ModelEvent = { schema: 1, event: "registered", version: `${writer}.${entry}.0`, digest, act };
          return appendEvent(store, "digits", event);
        }),
      ),
    );
    expect(numbers.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 3 * WRITERS }, (_, i) => i + 1));
  });
});
