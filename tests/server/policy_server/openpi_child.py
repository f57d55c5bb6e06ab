"""openpi's own client, in the environment that has it; prints one JSON object.

    python openpi_child.py ADDRESS [API_KEY]

Knows nothing of NitroPilot: only what openpi's users do with ``openpi_client``.
"""

import json
import sys

import numpy as np
from openpi_client import action_chunk_broker, image_tools
from openpi_client.websocket_client_policy import WebsocketClientPolicy


def main() -> None:
    """Connect, ask, be refused, ask on, and play a chunk action by action."""
    address, key = sys.argv[1], (sys.argv[2:] or [None])[0]
    client = WebsocketClientPolicy(host=address, api_key=key)
    metadata = client.get_server_metadata()
    shot = np.random.default_rng(0).integers(0, 256, (90, 160, 3), dtype=np.uint8)
    side = metadata["image_size"]
    small = image_tools.convert_to_uint8(image_tools.resize_with_pad(shot, side, side))
    observation = {"observation/image": small, "prompt": "finish the level", "seed": np.int64(5)}
    answer = client.infer(observation)
    try:
        client.infer({"observation/image": small, "observation/state": np.zeros(7)})
        refused = ""
    except RuntimeError as error:
        refused = str(error)
    again = client.infer(observation)
    broker = action_chunk_broker.ActionChunkBroker(client, metadata["horizon"])
    played = [broker.infer(observation)["actions"] for _ in range(metadata["horizon"])]
    report = {
        "numpy": np.__version__,
        "metadata": {name: metadata[name] for name in ("server", "policy", "horizon")},
        "picture": small.tolist(),
        "kinds": {
            name: [str(answer[name].dtype), list(answer[name].shape)]
            for name in ("actions", "j_left", "j_right", "buttons")
        },
        "actions": answer["actions"].tolist(),
        "again": bool((answer["actions"] == again["actions"]).all()),
        "played": bool((np.stack(played) == answer["actions"]).all()),
        "refused": refused,
        "infer_ms": answer["server_timing"]["infer_ms"],
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main()
