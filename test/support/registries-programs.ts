import { MLFLOW_3, mlflowPython } from "./mlflow-python.ts";

// Installs what the suites on registries of others need into the cache: that takes longer than the suites.

const started = Date.now();
const python = await mlflowPython(MLFLOW_3);
console.error(`MLflow ${MLFLOW_3}: ${((Date.now() - started) / 1_000).toFixed(1)} s (${python})`);
