import { describe } from "vitest";
import { folderStore } from "../../actions/shared/local/folder-store.ts";
import { memoryStore } from "../support/memory-store.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { modelStoreContract } from "./model-store-contract.ts";

describe("folder store", () => {
  modelStoreContract(async () => {
    const folder = await temporaryFolder();
    return { store: folderStore(folder), again: () => folderStore(folder) };
  });
});

describe("the store in memory, on which soaks of thousands of releases rest", () => {
  modelStoreContract(async () => {
    const store = memoryStore();
    return { store, again: () => store };
  });
});
