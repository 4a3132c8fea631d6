/** Who may change a target. */
export type LeaseHolder = {
  /** Repository, run and attempt; names one process of one job. */
  readonly holder: string;
  readonly url?: string;
  readonly sinceMs: number;
  readonly untilMs: number;
};

/** One rollout at a time. A lease that is not renewed runs out; where its holder is known to be dead, it may be taken at once. */
export interface Lease {
  take(): Promise<
    { readonly state: "taken"; readonly from?: LeaseHolder } | { readonly state: "held"; readonly by: LeaseHolder }
  >;
  /** Throws `CONFLICT` where somebody else has it now. */
  renew(): Promise<void>;
  /** Gives it back; does nothing where it is not ours. */
  release(): Promise<void>;
  /** Who has it now, if anybody. */
  holder(): Promise<LeaseHolder | undefined>;
}
