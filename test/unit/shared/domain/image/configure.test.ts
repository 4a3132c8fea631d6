import { expect, test } from "vitest";
import { parseDockerfile } from "../../../../../actions/shared/domain/dockerfile/parse.ts";
import type { RunConfig } from "../../../../../actions/shared/domain/image/config.ts";
import { configure, dropInheritedCmd, joinFolder } from "../../../../../actions/shared/domain/image/configure.ts";

const BASE: RunConfig = { Env: ["PATH=/bin", "A=1"], Cmd: ["old"], WorkingDir: "/srv", Labels: { a: "1" } };

test.each<[string, Partial<RunConfig>]>([
  ["ENV A=2 B='x y' PATH=/app:$PATH", { Env: ["PATH=/app:/bin", "A=2", "B=x y"] }],
  ["ENV OLD form of it", { Env: ["PATH=/bin", "A=1", "OLD=form of it"] }],
  ["LABEL b=2", { Labels: { a: "1", b: "2" } }],
  ["USER $V", { User: "7" }],
  ["WORKDIR app", { WorkingDir: "/srv/app" }],
  ["WORKDIR /app/../x/", { WorkingDir: "/x" }],
  ["EXPOSE 80 8080-8081/udp", { ExposedPorts: { "80/tcp": {}, "8080/udp": {}, "8081/udp": {} } }],
  ['VOLUME ["/a", "/b"]', { Volumes: { "/a": {}, "/b": {} } }],
  ["VOLUME /a /b", { Volumes: { "/a": {}, "/b": {} } }],
  ['CMD ["a", "b"]', { Cmd: ["a", "b"] }],
  ["CMD echo $A", { Cmd: ["/bin/sh", "-c", "echo $A"] }],
  ["ENTRYPOINT serve", { Entrypoint: ["/bin/sh", "-c", "serve"] }],
  ['SHELL ["/bin/bash", "-c"]', { Shell: ["/bin/bash", "-c"] }],
  ["STOPSIGNAL SIGQUIT", { StopSignal: "SIGQUIT" }],
  ["HEALTHCHECK NONE", { Healthcheck: { Test: ["NONE"] } }],
  [
    "HEALTHCHECK --interval=5s --retries=3 CMD curl -f localhost",
    { Healthcheck: { Test: ["CMD-SHELL", "curl -f localhost"], Interval: 5_000_000_000, Retries: 3 } },
  ],
])("%s", (line, change) => expect(apply(line)).toEqual({ ...BASE, ...change }));

test.each(["EXPOSE http", "EXPOSE 70000", "ENV A=1 B", 'USER "open', "SHELL /bin/sh", "HEALTHCHECK curl"])(
  "%s cannot be read",
  (line) => expect(apply(line)).toBeUndefined(),
);

test("an ENTRYPOINT drops the CMD of the base, not one's own", () => {
  expect(dropInheritedCmd(BASE, ["ENTRYPOINT"]).Cmd).toBeUndefined();
  expect(dropInheritedCmd(BASE, ["ENTRYPOINT", "CMD"]).Cmd).toEqual(["old"]);
  expect(dropInheritedCmd(BASE, ["CMD"]).Cmd).toEqual(["old"]);
});

test.each([
  [undefined, "a", "/a"],
  ["/a", ".", "/a"],
  ["/a", "../../b", "/b"],
  ["/a", "/", "/"],
])("%s and %s is %s", (folder, path, whole) => expect(joinFolder(folder, path)).toBe(whole));

function apply(line: string): RunConfig | undefined {
  const parsed = parseDockerfile(`FROM scratch\n${line}\n`, "D");
  const instruction = parsed.state === "ok" ? parsed.value.instructions[1] : undefined;
  if (instruction === undefined) throw new Error(line);
  return configure(instruction, {
    config: BASE,
    variables: new Map([
      ["V", "7"],
      ["PATH", "/bin"],
    ]),
    escapeChar: "\\",
  });
}
