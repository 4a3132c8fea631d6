import * as v from "valibot";

/**
 * What `post`, and a signal at any moment, must know of the run. `terminate` and `keep` are the user's wish; `leave`: another job has started
 * it; `detached`: it goes on without this job, as it was asked to.
 */
export const SavedRunSchema = v.object({
  runId: v.string(),
  releaseId: v.string(),
  do: v.picklist(["terminate", "keep", "leave", "detached"]),
});

export type SavedRun = v.InferOutput<typeof SavedRunSchema>;
