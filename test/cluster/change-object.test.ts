import { beforeAll, describe, expect, it } from "vitest";
import {
  createObject,
  deleteExactly,
  type PatchOperation,
  patchTested,
  patchVersion,
} from "../../actions/shared/clients/kubernetes/change-object.ts";
import type { KubeConnection } from "../../actions/shared/clients/kubernetes/connection.ts";
import { getObject, type ResourceType } from "../../actions/shared/clients/kubernetes/objects.ts";
import { type KubeObject, textAt, valueAt } from "../../actions/shared/domain/manifest/object.ts";
import { type Cluster, lacksCluster } from "../support/cluster/cluster.ts";
import { connectionTo } from "../support/cluster/connection.ts";
import { sharedCluster } from "../support/cluster/shared-cluster.ts";

describe.skipIf(await lacksCluster())("changes that hold only for what was read", () => {
  let cluster: Cluster;
  let connection: KubeConnection;
  let type: ResourceType;

  beforeAll(async () => {
    cluster = sharedCluster();
    const namespace = await cluster.namespace();
    connection = await connectionTo(cluster, namespace);
    type = { group: "", version: "v1", plural: "configmaps", namespace };
  });

  let made = 0;
  const created = async (data: Readonly<Record<string, string>> = { a: "1" }): Promise<KubeObject> => {
    const answer = await createObject(connection, type, { object: { metadata: { name: `map-${++made}` }, data } });
    if (answer.state === "exists") throw new Error("it exists");
    return answer.object;
  };
  const nameOf = (object: KubeObject) => textAt(object, ["metadata", "name"]) ?? "";
  const versionOf = (object: KubeObject) => textAt(object, ["metadata", "resourceVersion"]) ?? "";
  const dataOf = async (object: KubeObject) => valueAt(await getObject(connection, type, nameOf(object)), ["data"]);

  it("creates once", async () => {
    const object = await created();
    expect(await createObject(connection, type, { object: { metadata: { name: nameOf(object) } } })).toEqual({
      state: "exists",
    });
    expect(await dataOf(object)).toEqual({ a: "1" });
  });

  it("creates nothing in a dry run, and says what is wrong with an object", async () => {
    const object = { metadata: { name: "only-tried" } };
    expect(await createObject(connection, type, { object, mode: "dry-run" })).toMatchObject({ state: "created" });
    expect(await getObject(connection, type, "only-tried")).toBeUndefined();
    const wrong = { metadata: { name: "wrong" }, dada: {} };
    await expect(createObject(connection, type, { object: wrong })).rejects.toMatchObject({ code: "CONFIG" });
  });

  it("patches the version that was read, and no later one", async () => {
    const object = await created();
    const wish = { name: nameOf(object), version: versionOf(object) };
    expect(await patchVersion(connection, type, { ...wish, patch: { data: { a: "2" } } })).toMatchObject({
      state: "done",
      object: { data: { a: "2" } },
    });
    expect(await patchVersion(connection, type, { ...wish, patch: { data: { a: "3" } } })).toEqual({
      state: "changed",
    });
    expect(await dataOf(object)).toEqual({ a: "2" });
    expect(await patchVersion(connection, type, { ...wish, name: "none", patch: {} })).toEqual({ state: "gone" });
  });

  it.each<[string, readonly PatchOperation[]]>([
    ["is another", [{ op: "test", path: "/data/a", value: "0" }]],
    ["is not there", [{ op: "test", path: "/data/z", value: "0" }]],
    ["has nothing above it", [{ op: "test", path: "/binaryData/x/y", value: "0" }]],
    ["is of another version", [{ op: "test", path: "/metadata/resourceVersion", value: "1" }]],
  ])("does nothing where the tested value %s", async (_, tests) => {
    const object = await created();
    const operations: readonly PatchOperation[] = [...tests, { op: "replace", path: "/data/a", value: "2" }];
    expect(await patchTested(connection, type, { name: nameOf(object), operations })).toEqual({ state: "changed" });
    expect(await dataOf(object)).toEqual({ a: "1" });
  });

  it("carries a patch out whose tests hold", async () => {
    const object = await created();
    const operations: readonly PatchOperation[] = [
      { op: "test", path: "/data/a", value: "1" },
      { op: "replace", path: "/data/a", value: "2" },
    ];
    expect(await patchTested(connection, type, { name: nameOf(object), operations })).toMatchObject({ state: "done" });
    expect(await dataOf(object)).toEqual({ a: "2" });
  });

  it("throws where a patch is refused for what it would make", async () => {
    const object = await created();
    const operations: readonly PatchOperation[] = [{ op: "add", path: "/data/not a key", value: "1" }];
    await expect(patchTested(connection, type, { name: nameOf(object), operations })).rejects.toMatchObject({
      code: "CONFIG",
    });
  });

  it("deletes what was read, and nothing that came in its place", async () => {
    const object = await created();
    const uid = textAt(object, ["metadata", "uid"]) ?? "";
    const name = nameOf(object);
    expect(await deleteExactly(connection, type, { name, uid: "11111111-0000-4000-8000-000000000000" })).toBe(
      "changed",
    );
    expect(await deleteExactly(connection, type, { name, uid, version: "1" })).toBe("changed");
    expect(await deleteExactly(connection, type, { name, uid, version: versionOf(object) })).toBe("done");
    expect(await deleteExactly(connection, type, { name, uid })).toBe("gone");
  });
});
