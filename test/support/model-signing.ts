import { execFile } from "node:child_process";
import { join } from "node:path";
import { pythonTools } from "./built-tool.ts";

/** The reference implementation of OpenSSF Model Signing; pyOpenSSL is what it forgets to ask for. */
const REQUIREMENTS = [
  "model-signing==1.1.1",
  "pyOpenSSL==26.4.0",
  "annotated-types==0.8.0",
  "asn1crypto==1.5.1",
  "blake3==1.0.11",
  "certifi==2026.10.18",
  "cffi==2.1.1",
  "charset-normalizer==3.5.2",
  "click==8.5.1",
  "cryptography==50.0.2",
  "dnspython==2.9.2",
  "email-validator==2.4.0",
  "id==1.6.1",
  "idna==3.20",
  "in-toto-attestation==0.9.3",
  "markdown-it-py==4.3.0",
  "mdurl==0.1.2",
  "platformdirs==4.14.7",
  "protobuf==7.36.2",
  "pycparser==3.12",
  "pydantic==2.14.3",
  "pydantic_core==2.50.4",
  "Pygments==2.21.0",
  "PyJWT==2.15.1",
  "requests==2.34.2",
  "rfc3161-client==1.0.9",
  "rfc8785==0.1.4",
  "rich==15.0.0",
  "securesystemslib==1.6.0",
  "sigstore==4.5.1",
  "sigstore-models==0.0.6",
  "sigstore-rekor-types==0.0.18",
  "tuf==7.0.1",
  "typing-inspection==0.4.5",
  "typing_extensions==4.16.0",
  "urllib3==2.8.0",
];

export type Answer = { readonly code: number; readonly text: string };
export type ModelSigning = (...args: readonly string[]) => Promise<Answer>;

/** Its command line, `model_signing`. */
export async function modelSigning(): Promise<ModelSigning> {
  const program = join(await pythonTools(REQUIREMENTS), "model_signing");
  return (...args) =>
    new Promise((resolve, reject) => {
      execFile(
        program,
        args,
        { env: { PATH: process.env.PATH ?? "", HOME: "/nonexistent" } },
        (error, stdout, stderr) => {
          const code = error === null ? 0 : error.code;
          if (typeof code === "number") resolve({ code, text: stdout + stderr });
          else reject(error);
        },
      );
    });
}
