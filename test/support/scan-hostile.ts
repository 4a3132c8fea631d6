import { verdictOf } from "../../actions/shared/domain/model-scan.ts";
import { findModelFiles } from "../../actions/shared/lib/model-files.ts";
import { sourceContent } from "../../actions/shared/model/content.ts";
import { scanContent } from "../../actions/shared/model/scan-content.ts";

// A process of its own that scans the files that it is given and prints their verdicts, so that its memory can be measured.

for (const path of process.argv.slice(2)) {
  const [file] = await findModelFiles(path);
  const scan = await file?.open((bytes) => scanContent(file.path, sourceContent(bytes), { allowed: [] }));
  console.log(verdictOf(scan?.findings ?? []));
}
