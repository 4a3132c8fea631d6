import { rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { appendBuilder } from "../../actions/shared/local/append/append-builder.ts";
import { builderContract, engineContract, imageEngineContract, setUp } from "../contract/image-builder-contract.ts";
import { DEBIAN_ENGINES, lacksEngine, openEngine, startEngine, type TestEngine } from "../support/container-engines.ts";
import { imageTree } from "../support/image-tree.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

describe("append", () => {
  const open = async () => ({ builder: appendBuilder(await temporaryFolder()) });
  builderContract(open);

  test("makes the same bytes again, whatever times and masks the files have", async () => {
    const { build } = await setUp(open);
    const [first, second] = [await build(), await build()];
    expect(second.stored.digest).toBe(first.stored.digest);
  });

  test("does not even read what the last release's image has", async () => {
    const { build } = await setUp(open);
    const files = { Dockerfile: "FROM scratch\nCOPY deps /deps\nCOPY main.py /\n", "deps/a": "a\n", "main.py": "1\n" };
    const first = await build({ files, bases: [] });
    const changed = { files: { ...files, "main.py": "2\n" }, bases: [], previous: first.stored };
    const second = await build(changed, (context) => rm(join(context, "deps"), { recursive: true }));
    expect(second.manifest.layers[0]?.digest).toBe(first.manifest.layers[0]?.digest);
    expect(second.manifest.layers[1]?.digest).not.toBe(first.manifest.layers[1]?.digest);
  });

  test("makes an image from nothing", async () => {
    const { store, build } = await setUp(open);
    const image = await build({ files: { Dockerfile: "FROM scratch\nCOPY a /b/c\n", a: "1\n" }, bases: [] });
    expect(await imageTree(store, image)).toEqual({ b: "755 0:0 folder", "b/c": "644 0:0 file 1\n" });
  });
});

describe.each(DEBIAN_ENGINES)("%s", (kind) => {
  describe.skipIf(lacksEngine(kind))("running", () => {
    let machine: TestEngine;
    beforeAll(async () => {
      machine = await startEngine(kind);
    });
    afterAll(() => machine.stop());

    builderContract(() => openEngine(machine));
    engineContract((signal) => openEngine(machine, signal));
    imageEngineContract(() => openEngine(machine));

    // Docker writes times into the layers of what it runs and makes; podman builds by buildah's code.
    test.skipIf(kind !== "buildah")("makes the same bytes on two machines", async () => {
      const digests: string[] = [];
      for (let machines = 0; machines < 2; machines++) {
        const fresh = await startEngine(kind);
        onTestFinished(() => fresh.stop());
        const { build } = await setUp(() => openEngine(fresh));
        digests.push((await build()).stored.digest);
      }
      expect(digests[1]).toBe(digests[0]);
    });
  });
});
