"""Judges the standard door with Triton's own clients, which nobody here wrote.

Arguments: the address of HTTP (which answers gRPC too), the address of gRPC, a
picture, and the detections that are expected of it for the models m and, when it has
been loaded, second: JSON as /v1/detect answers.
"""

import base64
import json
import sys

import grpc
import numpy as np
import tritonclient.grpc as over_grpc
import tritonclient.http as over_http
from google.protobuf import descriptor_pb2, descriptor_pool
from tritonclient.grpc import service_pb2
from tritonclient.utils import InferenceServerException


def check(what, got, want):
    if got != want:
        sys.exit(f"{what}: got {got!r}, want {want!r}")


def refused(what, call, *says):
    try:
        call()
    except InferenceServerException as e:
        for text in says:
            if text not in f"{e.status()} {e.message()}":
                sys.exit(f"{what}: {e.status()} {e.message()!r} does not say {text!r}")
        return
    sys.exit(f"{what}: nothing was refused")


def fields(message):
    """All fields of a message and of those in it: number, type, label."""
    found = {}
    for f in message.fields:
        found[message.full_name + "." + f.name] = (f.number, f.type, f.is_repeated if hasattr(f, "is_repeated") else f.label)
    for nested in message.nested_types:
        found.update(fields(nested))
    return found


def inside(message, number):
    """The values of a message's field of that number, which are bytes."""
    at = 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = message[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(message):
        key = varint()
        if key & 7 == 0:
            varint()
            continue
        size = varint()
        if key >> 3 == number:
            yield message[at : at + size]
        at += size


def contract(address):
    """The wire contract that the server reflects is part of the one the client has."""
    symbol = b"inference.GRPCInferenceService"
    with grpc.insecure_channel(address) as channel:
        # Bytes in and out: the stubs of reflection are a package of their own.
        ask = channel.stream_stream("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo")
        answer = next(ask(iter([b"\x22" + bytes([len(symbol)]) + symbol])))
    pool = descriptor_pool.DescriptorPool()
    for response in inside(answer, 4):
        for text in inside(response, 1):
            pool.Add(descriptor_pb2.FileDescriptorProto.FromString(text))
    service = pool.FindServiceByName("inference.GRPCInferenceService")
    theirs = service_pb2.DESCRIPTOR.services_by_name["GRPCInferenceService"].methods_by_name
    for method in service.methods:
        for ours, their in ((method.input_type, theirs[method.name].input_type), (method.output_type, theirs[method.name].output_type)):
            check(method.name, ours.full_name, their.full_name)
            known = fields(their)
            for name, field in fields(ours).items():
                check(name, field, known[name])
    return len(service.methods)


def detections(result):
    boxes, scores = result.as_numpy("boxes"), result.as_numpy("scores")
    ids, labels = result.as_numpy("class_ids"), result.as_numpy("labels")
    return [
        {
            "class": label.decode() if isinstance(label, bytes) else label,
            "class_id": int(i),
            "score": float(np.float32(score)),
            "box": {k: float(np.float32(v)) for k, v in zip(("x1", "y1", "x2", "y2"), box)},
        }
        for label, i, score, box in zip(labels, ids, scores, boxes)
    ]


def as_float32(found):
    return [
        {**d, "score": float(np.float32(d["score"])), "box": {k: float(np.float32(v)) for k, v in d["box"].items()}}
        for d in found
    ]


def judge(module, address, picture, want):
    client = module.InferenceServerClient(address)
    http = module is over_http
    as_json = {"as_json": True} if not http else {}
    check("live", client.is_server_live(), True)
    check("ready", client.is_server_ready(), True)
    check("model ready", client.is_model_ready("m"), True)
    check("version ready", client.is_model_ready("m", "1"), True)
    check("server", client.get_server_metadata(**as_json)["name"], "saccade")
    metadata = client.get_model_metadata("m", "1", **as_json)
    check("inputs", [(t["name"], t["datatype"], [int(n) for n in t["shape"]]) for t in metadata["inputs"]], [("image", "BYTES", [1])])
    refused("a model that is not there", lambda: client.get_model_metadata("none"), "none", "404" if http else "NOT_FOUND")

    def asked(**tensors):
        image = module.InferInput("image", [1], "BYTES")
        image.set_data_from_numpy(np.array([picture], dtype=np.object_), **tensors)
        return [image]

    score = {"min_score": "0.4"}
    result = client.infer("m", asked(), request_id="7", parameters=score)
    check("id", result.get_response()["id"] if http else result.get_response().id, "7")
    check("detections", detections(result), want)
    check("size", list(result.as_numpy("image_size")) != [0, 0], True)
    outputs = [module.InferRequestedOutput(n) for n in ("labels", "class_ids", "boxes", "scores")]
    result = client.infer("m", asked(), outputs=outputs, model_version="1", parameters=score)
    check("detections of outputs by name", detections(result), want)
    check("an output that was not asked for", result.as_numpy("image_size"), None)
    nothing = client.infer("m", asked(), parameters={"min_score": "1"})
    check("no detections", list(nothing.as_numpy("scores")), [])
    if http:
        text = module.InferInput("image", [1], "BYTES")
        text.set_data_from_numpy(np.array([base64.b64encode(picture)], dtype=np.object_), binary_data=False)
        outputs = [module.InferRequestedOutput(n, binary_data=False) for n in ("labels", "class_ids", "boxes", "scores")]
        check("detections in JSON", detections(client.infer("m", [text], outputs=outputs, parameters=score)), want)
        for packing in ("gzip", "deflate"):
            result = client.infer("m", asked(), request_compression_algorithm=packing, parameters=score)
            check("detections of a packed request", detections(result), want)
    pending = client.async_infer("m", asked(), parameters=score) if http else None
    if pending:
        check("detections in the background", detections(pending.get_result()), want)

    refused("classification", lambda: client.infer("m", asked(), outputs=[module.InferRequestedOutput("scores", class_count=3)]), "classification")
    shared = module.InferInput("image", [1], "BYTES")
    shared.set_shared_memory("region", 9)
    refused("shared memory", lambda: client.infer("m", [shared]), "shared memory")
    refused("a region", lambda: client.register_system_shared_memory("region", "/region", 9), "not served")
    refused("a sequence", lambda: client.infer("m", asked(), sequence_id=7, sequence_start=True), "sequence")
    refused("no picture", lambda: client.infer("m", [with_data(module, "image", [1], "BYTES", np.array([b"text"], dtype=np.object_))]), "no picture")

    network = client.get_model_metadata("m.raw", **as_json)
    fed, read = network["inputs"][0], network["outputs"][0]
    shape = [int(n) for n in fed["shape"]]
    x = np.random.default_rng(7).random(shape, dtype=np.float32)
    result = client.infer("m.raw", [with_data(module, fed["name"], shape, "FP32", x)])
    check("the network's output", list(result.as_numpy(read["name"]).shape), [int(n) for n in read["shape"]])
    wrong = with_data(module, fed["name"], [1, 3, 2, 2], "FP32", np.zeros([1, 3, 2, 2], np.float32))
    refused("a tensor of another shape", lambda: client.infer("m.raw", [wrong]), "[1 3 2 2]")

    client.load_model("second")
    index = client.get_model_repository_index(**as_json)
    index = index if http else index["models"]
    check("index", [(m["name"], m["state"]) for m in index], [("m", "READY"), ("second", "READY")])
    check("detections of a loaded model", detections(client.infer("second", asked(), parameters=score)), want)
    client.unload_model("second")
    check("unloaded", client.is_model_ready("second") if http else answers(client), False)
    client.close()
    return result.as_numpy(read["name"])


def answers(client):
    """gRPC says that a model is not there where HTTP's client says not ready."""
    try:
        return client.is_model_ready("second")
    except InferenceServerException:
        return False


def with_data(module, name, shape, datatype, values):
    made = module.InferInput(name, shape, datatype)
    made.set_data_from_numpy(values)
    return made


def main():
    http, alone, path, want = sys.argv[1:]
    with open(path, "rb") as f:
        picture = f.read()
    want = as_float32(json.loads(want))
    check("methods", contract(alone), 9)
    raw = [judge(module, address, picture, want) for module, address in ((over_http, http), (over_grpc, alone), (over_grpc, http))]
    for other in raw[1:]:
        check("tensors by every door", bool((other == raw[0]).all()), True)
    print(f"agreed on {len(want)} detections and {raw[0].size} values")


main()
