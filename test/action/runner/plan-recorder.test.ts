import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { jobContext } from "../../support/job-context.ts";
import { expectPlanChangesNothing } from "../../support/plan.ts";

const server = createServer((_request, response) => response.end("{}"));
const url = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}/thing`;

beforeAll(() => new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve)));
afterAll(() => new Promise((resolve) => server.close(resolve)));

const plan = (deed: string, at?: string, job = jobContext({ files: { "kept.txt": "kept" } })) =>
  expectPlanChangesNothing("test/fixtures/actions/meddler", {
    job,
    with: { deed, ...(at === undefined ? {} : { at }) },
  });

test.for(["nothing", "temporary", "get", "dry-run"])("a plan may do this: %s", async (deed) => {
  const { main, events } = await plan(deed, url());
  expect(main.code).toBe(0);
  expect(events.filter(({ kind }) => kind === "request")).toHaveLength(deed === "get" || deed === "dry-run" ? 1 : 0);
});

test.for(["post", "put", "socket"])("a plan may not do this: %s", async (deed) => {
  await expect(plan(deed, url())).rejects.toThrow(deed === "socket" ? /no HTTP/ : /may not:\n(POST|PUT) http/);
});

test.for(["file", "file-by-child", "replace", "remove"])("a plan may not do this to a file: %s", async (deed) => {
  const job = jobContext({ files: { "kept.txt": "kept" } });
  await expect(plan(deed, join(job.workspace, "kept.txt"), job)).rejects.toThrow(/kept\.txt/);
});

test.for(["work", "home", "temp"])("a plan may not make a file below %s", async (folder) => {
  const job = jobContext();
  await expect(plan("file-by-child", join(job.root, folder, "new.txt"), job)).rejects.toThrow(/made .*new\.txt/);
});
