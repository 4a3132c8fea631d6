import { isReleaseError } from "../../actions/shared/lib/error.ts";
import { findModelFiles } from "../../actions/shared/lib/model-files.ts";
import { describeModel } from "../../actions/shared/model/describe-model.ts";

// A process of its own that scans the files that it is given and prints their verdicts, so that its memory can be measured.

for (const path of process.argv.slice(2)) {
  try {
    console.log((await describeModel(await findModelFiles(path))).scan.verdict);
  } catch (error) {
    if (!isReleaseError(error, "REFUSED")) throw error;
    console.log("refused");
  }
}
