/** What a request needs to be allowed: one rule of a Role or ClusterRole. */
export type RbacRule =
  | {
      readonly verb: string;
      readonly group: string;
      /** With the subresource: `pods/log`. */
      readonly resource: string;
      /** Absent: the whole cluster. */
      readonly namespace?: string;
    }
  | { readonly verb: string; readonly path: string };

export type Denied = { readonly rule: RbacRule; readonly user: string };

/** What the API server says of a request that RBAC does not allow; undefined for other refusals (admission, quota). */
export function readDenied(message: string): Denied | undefined {
  const resource =
    /User "([^"]*)" cannot (\S+) resource "([^"]+)" in API group "([^"]*)"(?: in the namespace "([^"]+)"| at the cluster scope)/.exec(
      message,
    );
  if (resource) {
    const [, user = "", verb = "", name = "", group = "", namespace] = resource;
    return { user, rule: { verb, group, resource: name, ...(namespace === undefined ? {} : { namespace }) } };
  }
  const path = /User "([^"]*)" cannot (\S+) path "([^"]+)"/.exec(message);
  return path ? { user: path[1] ?? "", rule: { verb: path[2] ?? "", path: path[3] ?? "" } } : undefined;
}

/** A line for the `rules` of a Role, as it can be pasted. */
export function formatRule(rule: RbacRule): string {
  const verbs = `verbs: ["${rule.verb}"]`;
  if ("path" in rule) return `- { nonResourceURLs: ["${rule.path}"], ${verbs} }`;
  return `- { apiGroups: ["${rule.group}"], resources: ["${rule.resource}"], ${verbs} }`;
}

/** What to add where, for whom. */
export function adviseRule({ rule, user }: Denied): string {
  const role =
    "path" in rule || rule.namespace === undefined ? "a ClusterRole" : `a Role in namespace ${rule.namespace}`;
  return `add to ${role} that is bound to ${subjectOf(user)}: ${formatRule(rule)}`;
}

function subjectOf(user: string): string {
  const account = /^system:serviceaccount:([^:]+):(.+)$/.exec(user);
  return account ? `the service account ${account[2]} of namespace ${account[1]}` : `the user ${user}`;
}
