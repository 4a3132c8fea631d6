/** One of many processes that write to a folder of images at once. Arguments: folder, writer, rounds, start (ms since 1970). */
import { setTimeout as sleep } from "node:timers/promises";
import { MEDIA_TYPES } from "../../actions/shared/domain/image/manifest.ts";
import { sha256 } from "../../actions/shared/lib/hash.ts";
import { ociLayout } from "../../actions/shared/local/oci-layout.ts";

const [folder = "", writer = "", rounds = "1", start = "0"] = process.argv.slice(2);
const store = ociLayout(folder);
const REPOSITORY = "localhost/acme/digits/serving";

const bytes = new TextEncoder().encode(JSON.stringify({ schemaVersion: 2, writer, layers: [] }));
const manifest = { mediaType: MEDIA_TYPES.manifest, digest: sha256(bytes), bytes };

await sleep(Math.max(0, Number(start) - Date.now()));
const won: boolean[] = [];
for (let round = 0; round < Number(rounds); round++) {
  won.push((await store.claim(REPOSITORY, manifest, `k1-${round}`)) === manifest.digest);
  await store.tag(REPOSITORY, manifest, `${writer}.${round}`);
}
process.stdout.write(JSON.stringify({ digest: manifest.digest, won }));
