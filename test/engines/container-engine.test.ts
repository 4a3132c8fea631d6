import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { containerEngine, findEngine } from "../../actions/shared/local/container-engine.ts";
import { ociLayout } from "../../actions/shared/local/oci-layout.ts";
import { lacksEngine, startEngine } from "../support/container-engines.ts";
import { machineIn } from "../support/local-target.ts";
import { putServingImage } from "../support/shell-server.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const REPOSITORY = "localhost/acme/adder/serving";

async function about(url = ""): Promise<unknown> {
  return (await fetch(`${url}/v2`)).json();
}

describe.each(["docker", "podman"] as const)("%s", (kind) => {
  test.skipIf(lacksEngine(kind))(
    "serves from the image of the release, by its digest, beside another one",
    async () => {
      const started = await startEngine(kind);
      onTestFinished(() => started.stop());
      const home = await temporaryFolder();
      const temp = join(home, "temp");
      mkdirSync(temp);
      const layout = ociLayout(join(home, "images"));
      const [blue, green] = [
        await putServingImage(layout, { repository: REPOSITORY, mark: "blue", temp }),
        await putServingImage(layout, { repository: REPOSITORY, mark: "green", temp }),
      ];
      const machine = machineIn(home);
      const [one, two] = [await machine.register({ version: "1.0.0" }), await machine.register({ version: "1.1.0" })];
      // Only this engine is on the path.
      const env = {
        ...started.env,
        PATH: pathWithout(kind === "docker" ? "podman" : "docker", started.env.PATH ?? "", home),
      };
      const host = { env, cwd: home, signal: new AbortController().signal, layout };
      const imaged = (version: string, { digest }: { readonly digest: `sha256:${string}` }) => ({
        how: {
          version,
          as: "auto",
          image: { ref: `${REPOSITORY}@${digest}`, digest },
          command: undefined,
          env: {},
          context: undefined,
        } as const,
        findEngine: () => findEngine(host),
        temp,
      });
      const first = machine.target({ ...imaged("1.0.0", blue), keep: true });
      onTestFinished(async () => {
        const last = machine.target({ findEngine: () => findEngine(host) });
        await last.remove();
        await last.settle();
      });

      const stable = await first.apply("stable", one);
      expect(stable.runs).toEqual({ as: "container", engine: kind, image: blue.digest });
      expect(await about(stable.url)).toEqual({ name: "shell", mark: "blue", model: "1.0.0", user: "65532" });

      // The next release knows its own image; that of stable is remembered.
      const next = machine.target({ ...imaged("1.1.0", green), keep: true });
      const candidate = await next.apply("candidate", two);
      expect(await about(candidate.url)).toMatchObject({ mark: "green", model: "1.1.0" });
      expect(await next.current()).toMatchObject({ stable: { model: one }, candidate: { model: two }, share: 0 });
      await next.split(1, 60_000);
      expect(await about((await next.current()).url ?? "")).toMatchObject({ mark: "green" });
      await next.promote();
      expect(await about((await next.current()).url ?? "")).toMatchObject({ mark: "green" });
      await expect(about(stable.url)).rejects.toThrow();
    },
    120_000,
  );
});

describe("a podman whose container ended between its two signals", () => {
  // what podman 4.3 answered when this happened
  const answers = (codes: readonly number[]) => `#!/bin/sh
echo "$@" >> "$(dirname "$0")/calls"
n=$(wc -l < "$(dirname "$0")/calls")
[ "$1" = rm ] || exit 125
for code in ${codes.join(" ")}; do n=$((n - 1)); [ $n -gt 0 ] || break; done
[ "$code" = 0 ] || echo 'container not running' >&2
exit "$code"
`;

  async function removedBy(codes: readonly number[]): Promise<string> {
    const folder = await temporaryFolder();
    writeFileSync(join(folder, "podman"), answers(codes), { mode: 0o755 });
    const host = {
      env: { PATH: `${folder}:${process.env.PATH}` },
      cwd: folder,
      signal: new AbortController().signal,
      layout: ociLayout(join(folder, "images")),
    };
    await containerEngine("podman", "podman 4.3.1", host).remove("adder-1.0.0");
    return readFileSync(join(folder, "calls"), "utf8");
  }

  test("is asked to remove it once more", async () => {
    expect(await removedBy([2, 0])).toBe("rm --force --time 1 adder-1.0.0\n".repeat(2));
    expect(await removedBy([0])).toBe("rm --force --time 1 adder-1.0.0\n");
  });

  test("is believed when it fails again", async () => {
    await expect(removedBy([2, 2])).rejects.toThrow("podman rm failed");
  });
});

/** A folder with links to all programs of a path but one. */
function pathWithout(program: string, path: string, home: string): string {
  const folder = join(home, "hidden");
  mkdirSync(folder);
  writeFileSync(join(folder, program), "#!/bin/sh\nexit 127\n", { mode: 0o755 });
  return `${folder}:${path}`;
}
