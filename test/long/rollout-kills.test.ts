import { expect, test } from "vitest";
import { servingMachine } from "../support/deploy-adder.ts";
import { killRollout } from "../support/kill-rollout.ts";

test("a rollout that is killed before or after any of its writes comes to a safe end", async () => {
  const { machine, url, remove } = await servingMachine();
  try {
    let points = 0;
    for (let write = 1; ; write++) {
      const isEven = write % 2 === 0;
      const ends = [
        await killRollout(machine, url, {
          write,
          when: "before",
          mend: isEven ? "again" : "recover",
          version: `1.${2 * write}.0`,
        }),
        await killRollout(machine, url, {
          write,
          when: "after",
          mend: isEven ? "recover" : "again",
          version: `1.${2 * write + 1}.0`,
        }),
      ];
      points += ends.filter((end) => end === "killed").length;
      if (ends.includes("over")) break;
    }
    console.log(`${points} kill points`);
    expect(points).toBeGreaterThan(40);
  } finally {
    remove();
  }
});
