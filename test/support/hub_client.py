"""The official client of Kubeflow's model registry at work on a server: what it writes, and what it reads of ours.

usage: hub_client.py ADDRESS   (as JSON: what it read)
"""

import json
import sys
import warnings
from urllib.parse import urlparse

warnings.simplefilter("ignore")

from model_registry import ModelRegistry  # noqa: E402
from model_registry.exceptions import StoreError  # noqa: E402

address = urlparse(sys.argv[1])
registry = ModelRegistry(
    f"{address.scheme}://{address.hostname}", address.port, author="octocat", is_secure=False, user_token="tok"
)

registry.register_model(
    "churn",
    "s3://bucket/models/churn/1.4.0",
    model_format_name="onnx",
    model_format_version="1",
    version="1.4.0",
    owner="risk",
    description="who leaves",
    metadata={"acc": 0.9, "n": 3, "ok": True, "s": "x"},
    model_source_kind="kfp",
    model_source_class="pipelinerun",
    model_source_id="3f1c",
)
try:
    registry.register_model(
        "churn", "s3://elsewhere", model_format_name="onnx", model_format_version="1", version="1.4.0"
    )
    again = "registered twice"
except StoreError as error:
    again = str(error)

model = registry.get_registered_model("churn")
model.description = "who will leave"
registry.update(model)
version = registry.get_model_version("churn", "1.4.0")
version.custom_properties = {**version.custom_properties, "acc": 0.91}
registry.update(version)
artifact = registry.get_model_artifact("churn", "1.4.0")
for number in range(25):
    registry.register_model(
        f"m{number}", "s3://b/m", model_format_name="onnx", model_format_version="1", version="1"
    )


async def everything_of(name, number):
    """The generated client checks every answer against the API's own description."""
    async with registry._api.get_client() as api:
        found = await api.find_registered_model(name=name)
        one = await api.find_model_version(name=number, parent_resource_id=found.id)
        artifacts = await api.get_model_version_artifacts(one.id, page_size="100")
        services = await api.get_inference_services(page_size="100")
        serves = [
            serve.last_known_state
            for service in services.items
            for serve in (await api.get_inference_service_serves(service.id)).items
        ]
        return {
            "model": found.to_dict(),
            "version": one.to_dict(),
            "artifacts": [each.actual_instance.to_dict() for each in artifacts.items],
            "serves": serves,
            "services": [service.to_dict() for service in services.items],
        }


ours = registry.get_model_version("digits", "1.1.0")
print(
    json.dumps(
        {
            "again": again,
            "description": registry.get_registered_model("churn").description,
            "acc": registry.get_model_version("churn", "1.4.0").custom_properties["acc"],
            "uri": artifact.uri,
            "models": sum(1 for _ in registry.get_registered_models().page_size(10)),
            "ours": {"author": ours.author, "properties": ours.custom_properties},
            "uriOfOurs": registry.get_model_artifact("digits", "1.1.0").uri,
            "everything": registry.async_runner(everything_of("digits", "1.1.0")),
        },
        default=str,
    )
)
