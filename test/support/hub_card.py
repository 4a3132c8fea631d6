"""What a hub's own library reads from a model card: hub_card.py CARD prints it as JSON."""

import dataclasses
import json
import sys

from huggingface_hub import ModelCard

card = ModelCard.load(sys.argv[1], ignore_metadata_errors=False)
results = [{k: v for k, v in dataclasses.asdict(result).items() if v is not None} for result in card.data.eval_results]
print(json.dumps({"license": card.data.license, "library": card.data.library_name, "results": results, "text": card.text}))
