import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { jobLog, type LogOptions } from "../../../../actions/shared/runner/log.ts";
import { createMasks } from "../../../../actions/shared/runner/masks.ts";
import { formatCommand, looksLikeCommand } from "../../../../actions/shared/runner/workflow-commands.ts";
import { readCommands } from "../../../support/workflow-commands.ts";

function openLog(options: Partial<LogOptions> = {}) {
  let printed = "";
  const masks = createMasks(() => {});
  const write = (text: string) => {
    printed += text;
  };
  const log = jobLog({ onGitHub: true, debug: false, masks, write, ...options });
  return { log, masks, printed: () => printed };
}

const anyText = fc.oneof(
  fc.string({ unit: "binary" }),
  fc
    .array(
      fc.constantFrom("::", "##[", "]", "error", "stop-commands", "add-mask", "%0A", "\n", "\r", " ", "x", ",", "="),
    )
    .map((parts) => parts.join("")),
);

describe("commands", () => {
  test("come back from the runner as they were given, whatever they hold", () => {
    fc.assert(
      fc.property(anyText, anyText, (title, message) => {
        const line = formatCommand("error", message, { title, line: undefined });
        expect(line).not.toMatch(/[\r\n]/);
        expect(readCommands(line)).toEqual([{ name: "error", properties: title === "" ? {} : { title }, message }]);
      }),
      { numRuns: 1_000 },
    );
  });

  test.for(["::error::x", "  ::error::x", "a\n::error::x", "a ##[error]x"])("are told from text: %j", (text) => {
    expect([looksLikeCommand(text), readCommands(text).length]).toEqual([true, 1]);
  });
});

describe("a job's log on GitHub", () => {
  test("makes no command of any text of ours or of others", () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const { log, printed } = openLog();
        log.info(text);
        log.fenced(text);
        expect(readCommands(printed())).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });

  test("takes commands again after what it has fenced", () => {
    const { log, printed } = openLog();
    log.fenced("::stop-commands::pause-logging\n::error::x");
    log.warn("ours");
    expect(readCommands(printed())).toEqual([{ name: "warning", properties: {}, message: "ours" }]);
  });

  test("opens one group at a time, and closes it when the work fails", async () => {
    const { log, printed } = openLog();
    const work = log.group("outer", () => log.group("inner", () => Promise.reject(new Error("no"))));
    await expect(work).rejects.toThrow("no");
    expect(printed()).toBe("::group::outer\n▸ inner\n::endgroup::\n");
  });

  test("shows no secret, also not in a group's title or a fence", async () => {
    const { log, masks, printed } = openLog({ debug: true });
    masks.add("input token", "s3cret");
    for (const write of [log.info, log.warn, log.debug, log.fenced]) write("the s3cret");
    await log.group("of s3cret", async () => {});
    expect(printed()).not.toContain("s3cret");
    expect(printed().match(/\*\*\*/g)).toHaveLength(5);
  });

  test("is silent about details without debug logging", () => {
    const { log, printed } = openLog();
    log.debug("detail");
    expect(printed()).toBe("");
  });
});

test("elsewhere the log is plain text", async () => {
  const { log, printed } = openLog({ onGitHub: false, debug: true });
  await log.group("Title", async () => log.info("::error::text"));
  log.warn("careful");
  log.debug("detail");
  expect(printed()).toBe("▸ Title\n::error::text\nwarning: careful\ndebug: detail\n");
});

describe("masks", () => {
  test("tell the runner each value once, before anybody can print it", () => {
    const told: string[] = [];
    const masks = createMasks((secret) => told.push(secret));
    masks.add("a", " abc \n");
    masks.add("b", "abc");
    masks.add("c", "");
    expect(told).toEqual(["abc"]);
  });

  test("take a secret of several lines line by line, but for the shortest", () => {
    const told: string[] = [];
    createMasks((secret) => told.push(secret)).add("key", "-----BEGIN-----\r\n  MIIB\n}\n-----END-----");
    expect(told).toEqual(["-----BEGIN-----", "MIIB", "-----END-----"]);
  });

  test("hide the longer secret first where one is part of another", () => {
    const masks = createMasks(() => {});
    masks.add("a", "abc");
    masks.add("b", "abcdef");
    expect(masks.hide("xabcdefx abc")).toBe("x***x ***");
  });

  test("name the secret that a text holds, as it is or within JSON", () => {
    const masks = createMasks(() => {});
    masks.add("input token", 'pass"word\\');
    expect(masks.foundIn('say pass"word\\!')).toBe("input token");
    expect(masks.foundIn(JSON.stringify({ a: 'pass"word\\' }))).toBe("input token");
    expect(masks.foundIn("password")).toBeUndefined();
  });
});
