import { createHash, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { Key, Metadata, MetaFile, Root, Signature, Snapshot, TargetFile, Targets, Timestamp } from "@tufjs/models";
import { Role } from "@tufjs/models/dist/role.js";

export type TufRepository = {
  /** The root that a client begins with. */
  readonly root: string;
  /** Its files by their paths. */
  readonly files: ReadonlyMap<string, string>;
};

export type TufOptions = {
  /** When what it says is over. Default: in a day. */
  readonly expires?: string;
  /** What is kept under the name of the target, in place of what was signed. */
  readonly served?: string;
};

/** A repository of one target, with all of its roles on one key. */
export function tufRepository(
  target: { readonly name: string; readonly text: string },
  options: TufOptions = {},
): TufRepository {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const expires = options.expires ?? new Date(Date.now() + 86_400_000).toISOString().replace(/\.\d+Z$/, "Z");
  const common = { version: 1, specVersion: "1.0.31", expires };
  const keyID = createHash("sha256")
    .update(publicKey.export({ type: "spki", format: "der" }))
    .digest("hex");
  const role = new Role({ keyIDs: [keyID], threshold: 1 });
  const bytes = Buffer.from(target.text);
  const hash = createHash("sha256").update(bytes).digest("hex");
  const file = new TargetFile({ path: target.name, length: bytes.length, hashes: { sha256: hash } });
  const write = <T extends Root | Targets | Snapshot | Timestamp>(signed: T) =>
    JSON.stringify(signedBy(privateKey, keyID, new Metadata(signed)).toJSON());
  const root = write(
    new Root({
      ...common,
      keys: { [keyID]: keyOf(publicKey, keyID) },
      roles: { root: role, targets: role, snapshot: role, timestamp: role },
      consistentSnapshot: true,
    }),
  );
  const files = new Map([
    ["timestamp.json", write(new Timestamp({ ...common, snapshotMeta: new MetaFile({ version: 1 }) }))],
    ["1.snapshot.json", write(new Snapshot({ ...common, meta: { "targets.json": new MetaFile({ version: 1 }) } }))],
    ["1.targets.json", write(new Targets({ ...common, targets: { [target.name]: file } }))],
    [`targets/${hash}.${target.name}`, options.served ?? target.text],
  ]);
  return { root, files };
}

function keyOf(key: KeyObject, keyID: string): Key {
  const { x = "" } = key.export({ format: "jwk" });
  const hex = Buffer.from(x, "base64url").toString("hex");
  return new Key({ keyID, keyType: "ed25519", scheme: "ed25519", keyVal: { public: hex } });
}

function signedBy<T extends Root | Targets | Snapshot | Timestamp>(
  key: KeyObject,
  keyID: string,
  metadata: Metadata<T>,
) {
  metadata.sign((data) => new Signature({ keyID, sig: sign(null, data, key).toString("hex") }));
  return metadata;
}
