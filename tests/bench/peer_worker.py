"""Other engines behind the benchmark's line protocol (README.md), one in each process.

    peer_worker.py ENGINE MODEL INPUTS PRECISION THREADS FOLDER

FOLDER is the run's: the first peer that wants an ONNX file leaves it there for the others.
Started by tests/bench/run with the Python of the peers' own environment.

Engines take and give float tensors here, as their users have them: only the network is timed.
What gst-wav2lip does besides (pixels to floats, floats to pixels) is in its own time only.
"""

import contextlib
import json
import os
import resource
import sys
import time

import numpy as np


def say(**facts):
    print(json.dumps(facts), flush=True)


class Inputs:
    """The file that all engines read: crops [n, 96, 96, 3] uint8, then mels [n, 80, 16] float32."""

    CROP, MEL = 96 * 96 * 3, 80 * 16

    def __init__(self, path):
        data = np.fromfile(path, np.uint8)
        count = data.size // (self.CROP + 4 * self.MEL)
        crops = data[:count * self.CROP].reshape(count, 96, 96, 3)
        self.mels = data[count * self.CROP:].view(np.float32).reshape(count, 1, 80, 16)
        pictures = crops.astype(np.float32).transpose(0, 3, 1, 2) / 255
        masked = pictures.copy()
        masked[:, :, 48:] = 0
        self.faces = np.concatenate([masked, pictures], 1)

    def batch(self, size):
        index = np.arange(size) % len(self.mels)
        return np.ascontiguousarray(self.mels[index]), np.ascontiguousarray(self.faces[index])


# Each engine: prepare(batch, mel, faces) returns a function that runs the batch `n` times and
# returns the last answer as a float array [batch, 3, 96, 96].


class Torch:
    """Eager PyTorch; "nchw" is how the reference implementation runs it."""

    def __init__(self, model, precision, threads, folder, layout):
        import torch

        import peer_network
        torch.set_num_threads(threads)
        self.torch, self.network = torch, peer_network.load(model)
        self.format = torch.channels_last if layout == "nhwc" else torch.contiguous_format
        self.network = self.network.to(memory_format=self.format)
        self.autocast = precision == "bf16"
        self.versions = {"torch": torch.__version__}

    def prepare(self, mel, faces):
        torch = self.torch
        mel = torch.from_numpy(mel).to(memory_format=self.format)
        faces = torch.from_numpy(faces).to(memory_format=self.format)

        def run(times):
            context = (torch.autocast("cpu", torch.bfloat16) if self.autocast
                       else contextlib.nullcontext())
            with torch.inference_mode(), context:
                for _ in range(times):
                    answer = self.network(mel, faces)
            return answer.float().numpy()
        return run


def onnx_file(model, folder):
    """Exports the network once for all peers of a run."""
    path = os.path.join(folder, "network.onnx")
    if not os.path.exists(path):
        import torch

        import peer_network
        inputs = (torch.zeros(2, 1, 80, 16), torch.zeros(2, 6, 96, 96))
        names = ["mel", "faces"]
        # To another name first: a worker that is cut off leaves no half file.
        torch.onnx.export(peer_network.load(model), inputs, path + ".part", input_names=names,
                          output_names=["picture"], opset_version=17, dynamo=False,
                          dynamic_axes={name: {0: "batch"} for name in [*names, "picture"]})
        os.rename(path + ".part", path)
    return path


class OnnxRuntime:
    def __init__(self, model, precision, threads, folder):
        import onnxruntime
        self.runtime, self.threads = onnxruntime, threads
        self.path = onnx_file(model, folder)
        self.versions = {"onnxruntime": onnxruntime.__version__}

    def prepare(self, mel, faces):
        options = self.runtime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = self.threads, 1
        options.graph_optimization_level = self.runtime.GraphOptimizationLevel.ORT_ENABLE_ALL
        options.add_free_dimension_override_by_name("batch", len(mel))  # it plans for one size
        session = self.runtime.InferenceSession(self.path, options, ["CPUExecutionProvider"])

        def run(times):
            for _ in range(times):
                answer = session.run(None, {"mel": mel, "faces": faces})[0]
            return answer
        return run


class OpenVino:
    """One stream over all cores, or ("streams") one on each core and as many requests in flight."""

    def __init__(self, model, precision, threads, folder, streams=1):
        import openvino
        self.openvino, self.core = openvino, openvino.Core()
        self.path, self.streams = onnx_file(model, folder), threads if streams != 1 else 1
        self.config = {"INFERENCE_PRECISION_HINT": {"fp32": "f32", "bf16": "bf16"}[precision],
                       "INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": self.streams}
        self.versions = {"openvino": openvino.__version__.split("-")[0]}

    def prepare(self, mel, faces):
        model = self.core.read_model(self.path)
        model.reshape({"mel": list(mel.shape), "faces": list(faces.shape)})
        compiled = self.core.compile_model(model, "CPU", self.config)
        requests = []
        for _ in range(self.streams):
            request = compiled.create_infer_request()
            request.set_tensor("mel", self.openvino.Tensor(mel))
            request.set_tensor("faces", self.openvino.Tensor(faces))
            requests.append(request)

        def run(times):
            for turn in range(times):
                request = requests[turn % len(requests)]
                request.wait()
                request.start_async()
            for request in requests:
                request.wait()
            return requests[(times - 1) % len(requests)].get_output_tensor(0).data
        return run


ENGINES = {
    "pytorch-nchw": lambda *args: Torch(*args, layout="nchw"),
    "pytorch-nhwc": lambda *args: Torch(*args, layout="nhwc"),
    "onnxruntime": OnnxRuntime,
    "openvino": OpenVino,
    "openvino-streams": lambda *args: OpenVino(*args, streams=0),
}


def cpu_seconds():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


class Worker:
    def __init__(self, name, model, inputs, precision, threads, folder):
        start = time.monotonic()
        self.inputs = Inputs(inputs)
        self.engine = ENGINES[name](model, precision, int(threads), folder)
        self.prepared, self.pace = {}, {}  # by batch size; pace: seconds of one run
        say(precision=precision, load_seconds=time.monotonic() - start,
            versions=self.engine.versions)

    def function(self, batch):
        if batch not in self.prepared:
            self.prepared[batch] = self.engine.prepare(*self.inputs.batch(batch))
        return self.prepared[batch]

    def answer(self, request, *words):
        if request == "run":
            return self.run(int(words[0]), words[1], float(words[2]))
        if request == "answer":
            return self.write_answers(int(words[0]), words[1], words[2])
        raise ValueError(f"unknown request {request}")

    def run(self, batch, region, seconds):
        if region != "full":
            raise ValueError("peers compute whole pictures only")
        function = self.function(batch)
        function(1)  # wakes threads and caches
        if batch not in self.pace:
            start = time.monotonic()
            function(2)
            self.pace[batch] = (time.monotonic() - start) / 2
        times = max(2, round(seconds / self.pace[batch]))
        cpu_start, start = cpu_seconds(), time.monotonic()
        function(times)
        wall = time.monotonic() - start
        self.pace[batch] = wall / times
        return {"frames": times * batch, "seconds": wall, "cpu_seconds": cpu_seconds() - cpu_start}

    def write_answers(self, count, region, path):
        answer = self.function(count)(1)
        pixels = (answer.transpose(0, 2, 3, 1) * np.float32(255)).astype(np.uint8)
        np.ascontiguousarray(pixels).tofile(path)
        return {"first_row": 0, "end_row": 96}


def main(arguments):
    try:
        worker = Worker(*arguments)
        for line in sys.stdin:
            say(**worker.answer(*line.split()))
    except Exception as error:  # whatever an engine throws: the caller reports it
        say(error=f"{type(error).__name__}: {error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
