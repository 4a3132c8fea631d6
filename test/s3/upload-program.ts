import { parseS3Address } from "../../actions/shared/clients/s3/address.ts";
import { s3Store } from "../../actions/shared/clients/s3/store.ts";
import { systemClock } from "../../actions/shared/lib/clock.ts";
import { findModelFiles } from "../../actions/shared/lib/model-files.ts";
import { storeModel } from "../../actions/shared/lib/store-model.ts";

// What register-model does with the files of a model, as a process of its own: usage upload-program.ts s3://BUCKET/PREFIX PATH.

const [, , address = "", path = ""] = process.argv;
const log = { debug: () => {}, info: () => {}, warn: () => {} };
const store = s3Store({ address: parseS3Address(address), env: process.env, clock: systemClock, log });
const files = await findModelFiles(path);
await storeModel(store, { name: "model", place: "1.0.0", files, signal: new AbortController().signal });
