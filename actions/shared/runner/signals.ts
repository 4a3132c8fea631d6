// The one module with an effect at import: the first import of every action, so that a signal that comes while the rest still loads is kept.

export type StopSignal = "SIGINT" | "SIGTERM";

const first = Promise.withResolvers<StopSignal>();

// The listeners stay: a second signal neither ends the process nor starts a second cancel.
for (const name of ["SIGINT", "SIGTERM"] as const) process.on(name, () => first.resolve(name));

/** Resolves with the first signal that asks this process to stop, also when it came before anybody awaited it. */
export const interruption: Promise<StopSignal> = first.promise;
