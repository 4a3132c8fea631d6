import type { Agent, OutgoingHttpHeaders } from "node:http";
import type { PluginAnswer } from "./exec-plugin.ts";
import { type ProofOptions, proofSource } from "./proof-source.ts";
import type { Certificate, KubeTarget, Proof } from "./target.ts";
import { agentFor } from "./tls-agent.ts";

/** How requests go to the cluster as this user, now. */
export type Access = { readonly agent: Agent; readonly headers: OutgoingHttpHeaders };

export type UserAccess = {
  get(): Promise<Access>;
  /** The cluster refused this one: the next is made anew. Absent where there is nothing else to try. */
  renew?(refused: Access): void;
  /** What to do when it is refused for good. */
  readonly hint: string;
};

/** The user's way to prove who he is. Agents are kept: a new one is made only for a new certificate. */
export function accessOf(target: KubeTarget, options: ProofOptions): UserAccess {
  const { user, cluster } = target;
  const agents = new Map<string, Promise<Agent>>();
  const agentWith = (certificate: Certificate | undefined) => {
    const key = certificate?.certificate ?? "";
    const agent = agents.get(key) ?? agentFor(cluster, certificate);
    agents.clear();
    agents.set(key, agent);
    return agent;
  };
  const source = proofSource(target, options);
  const answers = new WeakMap<Access, PluginAnswer>();
  return {
    hint: source.hint,
    get: async () => {
      const answer = await source.get();
      const agent = await agentWith(answer.certificate ?? user.certificate);
      const access = { agent, headers: headersOf(user.proof, user.impersonation, answer) };
      answers.set(access, answer);
      return access;
    },
    ...(source.drop === undefined
      ? {}
      : {
          renew: (refused: Access) => {
            const answer = answers.get(refused);
            if (answer !== undefined) source.drop?.(answer);
          },
        }),
  };
}

function headersOf(
  proof: Proof,
  impersonation: OutgoingHttpHeaders | KubeTarget["user"]["impersonation"],
  { token }: PluginAnswer,
): OutgoingHttpHeaders {
  const lists = Object.entries(impersonation).map(([name, value]) => [
    name,
    typeof value === "object" ? [...value] : value,
  ]);
  return { ...Object.fromEntries(lists), ...authorizationOf(proof, token) };
}

function authorizationOf(proof: Proof, token: string | undefined): OutgoingHttpHeaders {
  if (token !== undefined) return { authorization: `Bearer ${token}` };
  if (proof.kind !== "password") return {};
  return { authorization: `Basic ${Buffer.from(`${proof.username}:${proof.password}`).toString("base64")}` };
}
