import { createHash, type KeyObject, sign, verify, X509Certificate } from "node:crypto";
import { canonicalJson, type Json } from "../../../actions/shared/domain/canonical.ts";
import { preAuthEncoding } from "../../../actions/shared/domain/signing/bundle.ts";

export type LogKeys = { readonly publicKey: KeyObject; readonly privateKey: KeyObject };

export type Log = {
  /** Takes a proposed entry as Rekor's `POST /api/v1/log/entries` does, and answers as it would. Throws for one that does not hold. */
  add(proposed: unknown): Json;
  readonly size: () => number;
};

type Proposed = {
  readonly kind: string;
  readonly apiVersion: string;
  readonly spec: { readonly proposedContent: { readonly envelope: string; readonly verifiers: readonly string[] } };
};
type Envelope = {
  readonly payload: string;
  readonly signatures: readonly { readonly sig: string }[];
};

const sha256 = (...parts: readonly Uint8Array[]) =>
  parts.reduce((hash, part) => hash.update(part), createHash("sha256")).digest();

export function transparencyLog(origin: string, { publicKey, privateKey }: LogKeys): Log {
  const logId = sha256(publicKey.export({ type: "spki", format: "der" }));
  const leaves: Buffer[] = [];
  return {
    size: () => leaves.length,
    add(proposed) {
      const body = Buffer.from(canonicalJson(entryOf(proposed as Proposed)));
      const index = leaves.push(sha256(Uint8Array.of(0), body)) - 1;
      const integratedTime = Math.floor(Date.now() / 1000);
      const entry = { body: body.toString("base64"), integratedTime, logID: logId.toString("hex"), logIndex: index };
      const promise = sign("sha256", Buffer.from(canonicalJson(entry)), privateKey);
      const root = rootOf(leaves);
      return {
        [`${"0".repeat(16)}${leaves[index]?.toString("hex")}`]: {
          ...entry,
          verification: {
            signedEntryTimestamp: promise.toString("base64"),
            inclusionProof: {
              logIndex: index,
              treeSize: leaves.length,
              rootHash: root.toString("hex"),
              hashes: proofOf(leaves, index).map((hash) => hash.toString("hex")),
              checkpoint: checkpoint(root),
            },
          },
        },
      };
    },
  };

  /** A signed note: who, how many, which root. */
  function checkpoint(root: Buffer): string {
    const note = `${origin} - 1\n${leaves.length}\n${root.toString("base64")}\n`;
    const signature = Buffer.concat([logId.subarray(0, 4), sign("sha256", Buffer.from(note), privateKey)]);
    return `${note}\n\u2014 ${origin} ${signature.toString("base64")}\n`;
  }
}

/** What the log keeps of an envelope: hashes, the signature, and what it is verified with. */
function entryOf({ kind, apiVersion, spec }: Proposed): Json {
  if (kind !== "dsse" || apiVersion !== "0.0.1") throw new Error(`entries of ${kind} ${apiVersion} are not taken`);
  const { envelope, verifiers } = spec.proposedContent;
  const { payload, signatures } = JSON.parse(envelope) as Envelope;
  const [verifier = ""] = verifiers;
  const certificate = new X509Certificate(Buffer.from(verifier, "base64"));
  const [signature] = signatures;
  const bytes = Buffer.from(payload, "base64");
  if (!verify("sha256", preAuthEncoding(bytes), certificate.publicKey, Buffer.from(signature?.sig ?? "", "base64")))
    throw new Error("the signature does not fit");
  return {
    apiVersion,
    kind,
    spec: {
      envelopeHash: { algorithm: "sha256", value: sha256(Buffer.from(envelope)).toString("hex") },
      payloadHash: { algorithm: "sha256", value: sha256(bytes).toString("hex") },
      // However the certificate was broken into lines, it is kept in one way.
      signatures: [
        { signature: signature?.sig ?? "", verifier: Buffer.from(certificate.toString()).toString("base64") },
      ],
    },
  };
}

/** Of a Merkle tree as RFC 6962 builds it. */
function rootOf(leaves: readonly Buffer[]): Buffer {
  const [only = Buffer.alloc(32)] = leaves;
  if (leaves.length <= 1) return only;
  const left = largestPowerBelow(leaves.length);
  return sha256(Uint8Array.of(1), rootOf(leaves.slice(0, left)), rootOf(leaves.slice(left)));
}

function proofOf(leaves: readonly Buffer[], index: number): readonly Buffer[] {
  if (leaves.length <= 1) return [];
  const left = largestPowerBelow(leaves.length);
  return index < left
    ? [...proofOf(leaves.slice(0, left), index), rootOf(leaves.slice(left))]
    : [...proofOf(leaves.slice(left), index - left), rootOf(leaves.slice(0, left))];
}

function largestPowerBelow(count: number): number {
  return 2 ** Math.floor(Math.log2(count - 1));
}
