/** Stores an image and moves its tags in a folder, to be killed while it does. Arguments: folder, `first` or `second`. */
import { ociLayout } from "../../actions/shared/local/oci-layout.ts";
import { putImage } from "./tiny-image.ts";

const [folder = "", which = ""] = process.argv.slice(2);
const repository = "localhost/acme/digits/serving";
const store = ociLayout(folder);
const image = await putImage(store, repository, which);
await store.tag(repository, image, "latest");
if (which === "first") await store.tag(repository, image, "old");
else await store.untag(repository, "old");
