import { type Access, formatRule } from "../../domain/manifest/access.ts";
import type { Problem } from "../../domain/problem.ts";
import { reviewAccess } from "./access-review.ts";
import type { KubeConnection } from "./connection.ts";

export type AccessFindings = {
  /** What must be allowed and is not, with the exact rule to add. */
  readonly problems: readonly Problem[];
  /** What is done without, and what could not be asked. */
  readonly notes: readonly string[];
};

/** Asks the cluster verb by verb what the account may do of tables, each thing once. Changes nothing. */
export async function accessFindings(
  connection: KubeConnection,
  wanted: readonly Access[],
  namespace: string,
): Promise<AccessFindings> {
  const once = new Map(wanted.map((access) => [JSON.stringify(access), access]));
  const review = await reviewAccess(connection, [...once.values()], namespace);
  if (review.state === "unknown")
    return { problems: [], notes: [`not checked: what the account may do (${review.why})`] };
  const who = `the account${connection.user === undefined ? "" : ` ${connection.user}`}`;
  const problems: Problem[] = [];
  const notes: string[] = [];
  for (const { access, verbs, why } of review.denied) {
    const { group, resource, scope, need, purpose, loss = purpose } = access;
    const name = group === "" ? resource : `${resource}.${group}`;
    const where = scope === "cluster" ? "in the whole cluster" : `in the namespace ${namespace}`;
    const role = scope === "cluster" ? "a ClusterRole" : `a Role in ${namespace}`;
    const rule = `${who} may not ${verbs.join(", ")} ${name} ${where}`;
    const hint = `add to ${role} of this account: ${formatRule(group, resource, verbs)}`;
    if (need === "optional") notes.push(`${rule}: ${loss}; ${hint}`);
    else
      problems.push({
        rule: `${rule}: needed to ${purpose}`,
        where: { input: "kubeconfig" },
        ...(why === undefined ? {} : { saw: why }),
        hint,
      });
  }
  return { problems, notes };
}

/** What is done without, where an account lacks what is optional. */
export async function accessNotes(
  connection: KubeConnection,
  wanted: readonly Access[],
  namespace: string,
): Promise<readonly string[]> {
  const optional = wanted.filter(({ need }) => need === "optional");
  return (await accessFindings(connection, optional, namespace)).notes;
}
