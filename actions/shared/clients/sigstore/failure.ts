import { InternalError } from "@sigstore/sign";
import * as v from "valibot";
import { ReleaseError } from "../../lib/error.ts";

const Refusal = v.object({ statusCode: v.number() });

/** By what was asked for: who was asked, and what to do where it refuses. */
const SERVICES: Readonly<Record<string, { readonly name: string; readonly hint: string }>> = {
  CA_CREATE_SIGNING_CERTIFICATE_ERROR: {
    name: "the certificate authority (Fulcio)",
    hint: "it must know the issuer of the job's identity: check `fulcio-url`, and that the job has `id-token: write`",
  },
  TLOG_CREATE_ENTRY_ERROR: { name: "the transparency log (Rekor)", hint: "check `rekor-url`" },
  TLOG_FETCH_ENTRY_ERROR: { name: "the transparency log (Rekor)", hint: "check `rekor-url`" },
  TSA_CREATE_TIMESTAMP_ERROR: { name: "the timestamp authority", hint: "check `tsa-url`" },
};

/** What a failure of signing means in our words. What the services answered is shortened: it is others' text. */
export function explainFailure(error: unknown): unknown {
  if (!(error instanceof InternalError)) return error;
  const service = SERVICES[error.code];
  // No cause: the words of the others quote the token.
  if (service === undefined)
    return new ReleaseError("PROTOCOL", { rule: "the model could not be signed", saw: error.code });
  const refusal = v.safeParse(Refusal, error.cause);
  const status = refusal.success ? refusal.output.statusCode : undefined;
  const saw = error.message.slice(0, 300);
  if (status === undefined || status === 408 || status === 429 || status >= 500)
    return new ReleaseError(
      "UNAVAILABLE",
      {
        rule: `${service.name} must answer`,
        saw: status === undefined ? String(error.cause).slice(0, 300) : saw,
        hint: "run the step again; nothing is registered yet, and files that were copied are used",
      },
      error,
    );
  return new ReleaseError(
    status === 401 || status === 403 || error.code.startsWith("CA_") ? "AUTH" : "PROTOCOL",
    { rule: `${service.name} refused to sign`, saw, hint: service.hint },
    error,
  );
}
