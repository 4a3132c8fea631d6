import { describe, expect, test } from "vitest";
import { cookieJar } from "../../../../../actions/shared/clients/access/cookie-jar.ts";

const clock = { now: () => Date.parse("2026-11-21T10:00:00Z"), sleep: async () => {} };

/** What is sent to `to` after `from` has set these. */
function sent(to: string, from: string, ...lines: readonly string[]): string | undefined {
  const jar = cookieJar(clock);
  jar.take(new URL(from), new Headers(lines.map((line) => ["set-cookie", line])));
  return jar.headerFor(new URL(to));
}

describe("a cookie", () => {
  test.for<[name: string, to: string, from: string, line: string, sent: string | undefined]>([
    ["goes back to who set it", "https://kf.test/x", "https://kf.test/", "a=1; Path=/", "a=1"],
    ["goes to no other host", "https://other.test/", "https://kf.test/", "a=1; Path=/", undefined],
    ["goes to no other port", "https://kf.test:444/", "https://kf.test/", "a=1; Path=/", undefined],
    [
      "goes to the hosts of its domain",
      "https://app.kf.test/",
      "https://auth.kf.test/",
      "a=1; Path=/; Domain=.kf.test",
      "a=1",
    ],
    [
      "is for no domain that its setter is not in",
      "https://bank.test/",
      "https://kf.test/",
      "a=1; Path=/; Domain=bank.test",
      undefined,
    ],
    ["is for no top-level domain", "https://bank.test/", "https://kf.test/", "a=1; Path=/; Domain=test", undefined],
    ["goes below its path", "https://kf.test/dex/auth", "https://kf.test/", "a=1; Path=/dex", "a=1"],
    ["goes to no path beside its own", "https://kf.test/dexter", "https://kf.test/", "a=1; Path=/dex", undefined],
    [
      "without a path is for the folder that set it",
      "https://kf.test/dex/login",
      "https://kf.test/dex/auth",
      "a=1",
      "a=1",
    ],
    ["that is secure goes by https only", "http://kf.test/", "http://kf.test/", "a=1; Path=/; Secure", undefined],
    ["may hold equal signs", "https://kf.test/", "https://kf.test/", "a=b=c==; Path=/", "a=b=c=="],
    [
      "that has expired is not kept",
      "https://kf.test/",
      "https://kf.test/",
      "a=1; Path=/; Expires=Sat, 21 Nov 2026 09:59:59 GMT",
      undefined,
    ],
    ["without a name is none", "https://kf.test/", "https://kf.test/", "=1; Path=/", undefined],
  ])("%s", ([, to, from, line, wanted]) => {
    expect(sent(to, from, line)).toBe(wanted);
  });

  test("is replaced by one of the same name, and taken away by one that has ended", () => {
    const from = "https://kf.test/";
    expect(sent(from, from, "a=1; Path=/", "b=2; Path=/", "a=3; Path=/")).toBe("a=3; b=2");
    expect(sent(from, from, "a=1; Path=/", "a=; Path=/; Max-Age=0")).toBeUndefined();
  });

  test("that is new is told, so that it can be masked", () => {
    const headers = new Headers([
      ["set-cookie", "a=s3cret; Path=/"],
      ["set-cookie", "b=; Path=/"],
    ]);
    expect(cookieJar(clock).take(new URL("https://kf.test/"), headers)).toEqual(["s3cret"]);
  });
});
