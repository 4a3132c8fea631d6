import { nearestName } from "../shared/domain/nearest.ts";
import { bad, type Checked, ok, type Problem } from "../shared/domain/problem.ts";

/** Names so that each comes after what it needs. Unknown names and circles are told with the image that asks. */
export function orderByNeeds(needs: ReadonlyMap<string, readonly string[]>): Checked<readonly string[]> {
  const unknown = [...needs].flatMap(([name, wanted]) =>
    wanted.filter((other) => !needs.has(other)).map((other) => unknownNeed(name, other, [...needs.keys()])),
  );
  if (unknown.length > 0) return bad(...unknown);
  const ordered: string[] = [];
  let waiting = [...needs.keys()];
  while (waiting.length > 0) {
    const ready = waiting.filter((name) => (needs.get(name) ?? []).every((other) => ordered.includes(other)));
    if (ready.length === 0) return bad(circle(waiting));
    ordered.push(...ready);
    waiting = waiting.filter((name) => !ready.includes(name));
  }
  return ok(ordered);
}

function unknownNeed(name: string, other: string, known: readonly string[]): Problem {
  const nearest = nearestName(other, known);
  return {
    rule: `${name} needs an image that is not in the list`,
    where: { input: "images" },
    saw: other,
    allowed: known.join(", "),
    ...(nearest === undefined ? {} : { hint: `did you mean ${nearest}?` }),
  };
}

function circle(names: readonly string[]): Problem {
  return { rule: "images must not need each other in a circle", where: { input: "images" }, saw: names.join(", ") };
}
