/**
 * Pods that stable gives up for the time of a rollout, so that the candidate has their room: it had `from`, and is to have `to`. `was`: what
 * it had when that was written, where somebody else (its autoscaler) brings it there.
 */
export type Loan = { readonly from: number; readonly to: number; readonly was?: number };

/** What may change how many pods stable has. */
export type Lender = {
  readonly stable: { readonly replicas: number; readonly loan: Loan | undefined };
  readonly autoscaler: { readonly min: number; readonly max: number } | undefined;
};

export type LendingAct =
  /** Keeps the size that stable has, before its autoscaler is told another. */
  | { readonly do: "note-loan"; readonly to: number }
  /** The autoscaler leaves stable at this size. */
  | { readonly do: "hold-size"; readonly replicas: number }
  /** Gives stable this size, and keeps the one that it had. */
  | { readonly do: "lend"; readonly to: number };

/** The first thing that is to be done until stable has so many pods, and stays at them; undefined where it has. */
export function lendUntil(to: number, { stable, autoscaler }: Lender): LendingAct | undefined {
  const isNoted = stable.loan?.to === to;
  if (autoscaler !== undefined) {
    if (!isNoted) return { do: "note-loan", to };
    if (autoscaler.min !== to || autoscaler.max !== to) return { do: "hold-size", replicas: to };
  }
  return isNoted && stable.replicas === to ? undefined : { do: "lend", to };
}

/** Somebody else gave stable another size since it lent pods. */
export function isResized({ replicas, loan }: Lender["stable"]): boolean {
  return loan !== undefined && replicas !== loan.to && replicas !== loan.was;
}

/** How many of stable's pods the candidate gets for a share: as many as that share needs, and never the last one. */
export function lentFor(share: number, { from }: Loan): number {
  return Math.min(from - 1, Math.max(1, Math.ceil(share * from - 1e-9)));
}

/** The share that burdens every pod alike where one of them is on its way from one version to the other. */
export function evenShare(candidates: number, { from }: Loan): number {
  return candidates / (from - 1);
}
