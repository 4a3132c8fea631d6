import { describe, expect, test } from "vitest";
import { ReleaseError } from "../../../../actions/shared/lib/error.ts";
import { expiryOf } from "../../../../actions/shared/lib/jwt.ts";
import { keptToken } from "../../../../actions/shared/lib/kept-token.ts";

function setUp(lifeMs?: number) {
  let nowMs = 0;
  let made = 0;
  let fault: Error | undefined;
  const clock = { now: () => nowMs, sleep: async () => {} };
  const token = keptToken(async () => {
    if (fault) throw fault;
    return { value: `token-${++made}`, ...(lifeMs === undefined ? {} : { expiresAtMs: nowMs + lifeMs }) };
  }, clock);
  return {
    token,
    pass: (ms: number) => {
      nowMs += ms;
    },
    break: (error: Error | undefined) => {
      fault = error;
    },
  };
}

describe("a kept token", () => {
  test("is fetched once for all who ask at the same time", async () => {
    const { token } = setUp();
    expect(await Promise.all([token.get(), token.get()])).toEqual(["token-1", "token-1"]);
  });

  test("is renewed before it expires", async () => {
    const { token, pass } = setUp(3_600_000);
    await token.get();
    pass(3_569_999);
    expect(await token.get()).toBe("token-1");
    pass(1);
    expect(await token.get()).toBe("token-2");
  });

  test("that was refused is fetched anew, once, however many were refused with it", async () => {
    const { token } = setUp();
    await token.get();
    token.drop("token-1");
    expect(await token.get()).toBe("token-2");
    token.drop("token-1");
    expect(await token.get()).toBe("token-2");
  });

  test("that could not be fetched is tried again by the next who asks", async () => {
    const { token, break: fail } = setUp();
    fail(new ReleaseError("COMMAND", { rule: "gcloud failed" }));
    await expect(token.get()).rejects.toMatchObject({ code: "COMMAND" });
    fail(undefined);
    expect(await token.get()).toBe("token-1");
  });

  test("that was there once and cannot be renewed now may be so again later", async () => {
    const { token, break: fail } = setUp();
    await token.get();
    token.drop("token-1");
    fail(new ReleaseError("COMMAND", { rule: "gcloud failed", saw: "exit code 1" }));
    await expect(token.get()).rejects.toMatchObject({
      code: "UNAVAILABLE",
      message: "[UNAVAILABLE] gcloud failed (saw exit code 1)",
    });
  });
});

describe("a JSON Web Token", () => {
  const jwt = (claims: unknown) => `h.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.s`;

  test.for<[string, number | undefined]>([
    [jwt({ exp: 1_800_000_000 }), 1_800_000_000_000],
    [jwt({ sub: "x" }), undefined],
    [jwt("text"), undefined],
    ["h.%%%.s", undefined],
    ["opaque", undefined],
  ])("tells when it ends: %s", ([token, wanted]) => {
    expect(expiryOf(token)).toBe(wanted);
  });
});
