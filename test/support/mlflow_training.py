"""Trains a small model and logs it as people do, with MLflow's own client; prints one line of JSON about it.

usage: mlflow_training.py EXPERIMENT NAME
The server and who asks come from MLFLOW_TRACKING_URI, MLFLOW_TRACKING_USERNAME, MLFLOW_TRACKING_PASSWORD.
"""

import json
import sys

import mlflow
import mlflow.sklearn
import numpy
from sklearn.linear_model import LogisticRegression

experiment, name = sys.argv[1:]
values = numpy.arange(40, dtype="float64").reshape(20, 2)
classes = (numpy.arange(20) >= 10).astype("int64")
data = mlflow.data.from_numpy(values, targets=classes, name="points")

mlflow.set_experiment(experiment)
with mlflow.start_run() as run:
    model = LogisticRegression(C=0.5).fit(values, classes)
    mlflow.log_params({"C": 0.5, "solver": "lbfgs"})
    mlflow.log_input(data, context="test")
    keyword = "name" if mlflow.__version__.startswith("3") else "artifact_path"
    logged = mlflow.sklearn.log_model(model, registered_model_name=name, pip_requirements=["scikit-learn"], **{keyword: "classifier"})
    mlflow.log_metric("accuracy", 0.95)
    mlflow.log_metric("loss", float("nan"))
    model_id = getattr(logged, "model_id", None)
    if model_id is not None:
        mlflow.log_metric("recall", 0.75, model_id=model_id, dataset=data)
    mlflow.log_text("not the model", "notes/readme.txt")

client = mlflow.MlflowClient()
client.set_registered_model_alias(name, "best", "1")
print(json.dumps({"run": run.info.run_id, "model": model_id}))
