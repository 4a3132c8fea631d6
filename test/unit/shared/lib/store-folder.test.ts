import { expect, test } from "vitest";
import { storeFolder } from "../../../../actions/shared/lib/store-folder.ts";

const job = { workspace: "/checkout", home: "/home/of/releases" };

test.each([
  ["a relative path starts from the working directory", "models", "/checkout/services/digits/models"],
  ["an absolute path stays as it is", "/srv/models", "/srv/models"],
  ["a file address is the path that it names", "file:///srv/my%20models", "/srv/my models"],
  ["without one it is in the home", undefined, "/home/of/releases/models"],
])("%s", (_, store, folder) => {
  expect(storeFolder({ store, "working-directory": "services/digits" }, job)).toBe(folder);
});

test("a store that is neither a folder nor a bucket is refused", () => {
  const act = () => storeFolder({ store: "gs://bucket/models", "working-directory": "." }, job);
  expect(act).toThrow("must be a folder or a bucket");
});
