"""Saves small models with the real libraries, in every form that they have.

usage: save_models.py FOLDER
"""

import collections
import os
import pickle
import sys

import joblib
import numpy as np
import xgboost
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

os.chdir(sys.argv[1])
rng = np.random.default_rng(0)
X = rng.normal(size=(60, 4))
names = np.array(["cat", "dog"], dtype=object)[(X[:, 0] > 0).astype(int)]
y = (X[:, 0] > 0).astype(int)

arrays = {"w": np.arange(1000.0), "names": names, "empty": np.zeros(0), "s": np.array([("a", 1)], dtype=[("k", "U4"), ("n", "i4")])}
plain = {"d": collections.OrderedDict(a=1), "w": np.arange(10.0), "i": np.int64(4), "s": {1, 2}, "b": b"\x00\xff", "c": 1 + 2j, "f": frozenset([1])}
pipe = make_pipeline(StandardScaler(), LogisticRegression(max_iter=20)).fit(X, y)
forest = RandomForestClassifier(3).fit(X, names)
boosted = xgboost.XGBClassifier(n_estimators=2).fit(X, y)

for protocol in range(6):
    with open(f"plain-{protocol}.pkl", "wb") as f:
        pickle.dump(plain, f, protocol=protocol)
    with open(f"pipe-{protocol}.pkl", "wb") as f:
        pickle.dump(pipe, f, protocol=protocol)

joblib.dump(arrays, "arrays.joblib")
joblib.dump(forest, "forest.joblib")
joblib.dump(boosted, "boosted.joblib")
for name, compress in {"gz": ("gzip", 3), "z": ("zlib", 3), "xz": ("xz", 3), "bz2": ("bz2", 3), "lzma": ("lzma", 3)}.items():
    joblib.dump(arrays, f"arrays.joblib.{name}", compress=compress)
joblib.dump(FunctionTransformer(eval), "eval.joblib")

np.save("numbers.npy", X)
np.save("objects.npy", names, allow_pickle=True)
np.savez("numbers.npz", X=X, y=y)
np.savez_compressed("objects.npz", X=X, names=names)
boosted.save_model("boosted.json")
boosted.save_model("boosted.ubj")


class Command:
    def __reduce__(self):
        return os.system, ("true",)


for protocol in range(6):
    with open(f"command-{protocol}.pkl", "wb") as f:
        pickle.dump(Command(), f, protocol=protocol)
joblib.dump({"w": np.arange(100.0), "c": Command()}, "command.joblib")
np.save("command.npy", np.array([Command()], dtype=object), allow_pickle=True)
