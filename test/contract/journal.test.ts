import { describe } from "vitest";
import { folderStore } from "../../actions/shared/local/folder-store.ts";
import { fileJournal } from "../../actions/shared/local/serving/file-journal.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { journalContract } from "./journal-contract.ts";

describe("a journal in a file", () => {
  journalContract(async () => {
    const folder = await temporaryFolder();
    return () => fileJournal(folderStore(folder));
  });
});
