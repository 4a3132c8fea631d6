import { isImageTag } from "../shared/domain/image-ref.ts";
import { nearestName } from "../shared/domain/nearest.ts";
import { bad, type Checked, ok, type Problem } from "../shared/domain/problem.ts";
import type { Release } from "../shared/domain/release.ts";

const WHERE = { input: "tags" };

/** Tags with their variables put in, as Cloud Build names them. A variable that has no value on this event is an error, not an empty text. */
export function fillTags(templates: readonly string[], release: Release): Checked<readonly string[]> {
  const values = variablesOf(release);
  const problems: Problem[] = [];
  const tags = templates.map((template) => {
    const before = problems.length;
    const tag = template.replaceAll(/\$\{?([A-Za-z_]\w*)\}?/g, (written, name: string) => {
      const value = values[name];
      if (value !== undefined) return value;
      problems.push(name in values ? noValue(name, release) : unknown(name, values));
      return written;
    });
    if (!isImageTag(tag) && problems.length === before) problems.push(noTag(template, tag));
    return tag;
  });
  return problems.length > 0 ? bad(...problems) : ok([...new Set(tags)]);
}

function variablesOf({ id, source }: Release): Readonly<Record<string, string | undefined>> {
  return {
    // Ids may hold @ and +, which tags may not.
    RELEASE: id.replaceAll(/[@+]/g, "-"),
    TAG_NAME: source.tag,
    BRANCH_NAME: /^refs\/heads\/(.+)$/.exec(source.ref)?.[1]?.replaceAll("/", "-"),
    COMMIT_SHA: source.commit,
    SHORT_SHA: source.commit.slice(0, 7),
  };
}

function noValue(name: string, { source }: Release): Problem {
  return {
    rule: `$${name} has no value here`,
    where: WHERE,
    saw: `${source.event} of ${source.ref}`,
    hint: "use $RELEASE, which always has one",
  };
}

function unknown(name: string, values: Readonly<Record<string, unknown>>): Problem {
  const known = Object.keys(values);
  const nearest = nearestName(name, known);
  return {
    rule: "is no variable of a tag",
    where: WHERE,
    saw: `$${name}`,
    allowed: known.map((other) => `$${other}`).join(", "),
    ...(nearest === undefined ? {} : { hint: `did you mean $${nearest}?` }),
  };
}

function noTag(template: string, tag: string): Problem {
  return {
    rule: "is no image tag",
    where: WHERE,
    saw: template === tag ? tag : `${template}, which is ${tag}`,
    allowed: "1 to 128 of A-Z a-z 0-9 . _ -, not beginning with . or -",
  };
}
