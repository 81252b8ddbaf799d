"""PyTorch, eager, on the processor or, called with `gpu`, on a GPU that it knows, in float32 throughout.

The protocol is serve.js's: requests on standard input, answers on descriptor 3.
"""
import json
import os
import sys
import time

answers = os.fdopen(3, "w")
EPS = 1e-5


def conv(spec, given):
    x, w, dy = given["x"], given["w"], given["dy"]
    if spec["pass"] == "forward":
        return once(lambda: {"y": F.conv2d(x, w, padding=1)})
    which = 0 if spec["pass"] == "dX" else 1
    mask = [which == 0, which == 1, False]

    def backward():
        both = torch.ops.aten.convolution_backward(dy, x, w, None, [1, 1], [1, 1], [1, 1], False, [0, 0], 1, mask)
        return {("dx", "dw")[which]: both[which]}

    return once(backward)


def distillation(logits, labels, teacher, T):
    """Half the cross-entropy and half T^2 KL of the teacher; without a teacher the cross-entropy alone."""
    ce = F.cross_entropy(logits, labels)
    if teacher is None:
        return ce
    soft = F.log_softmax(teacher / T, 1)
    kl = F.kl_div(F.log_softmax(logits / T, 1), soft, reduction="batchmean", log_target=True)
    return 0.5 * ce + 0.5 * T * T * kl


def loss(spec, given):
    student = given["student"].requires_grad_()

    def call():
        value = distillation(student, given["labels"], given["teacher"], spec["temperature"])
        (gradient,) = torch.autograd.grad(value, student)
        return {"loss": value, "gradient": gradient}

    return once(call)


def ece(spec, given):
    logits, labels, bins = given["logits"], given["labels"], spec["bins"]

    def call():
        confidence, best = F.softmax(logits, 1).max(1)
        gap = confidence - (best == labels).float()
        place = (torch.ceil(confidence * bins) - 1).clamp(0, bins - 1).long()
        gaps = gap.new_zeros(bins).index_add_(0, place, gap)
        return {"ece": gaps.abs().sum() / len(labels)}

    return once(call)


def norm(spec, given):
    x, gamma, beta = (given[name].requires_grad_() for name in ("x", "gamma", "beta"))
    mean, variance = given["mean"], given["variance"]

    def call():
        y = F.relu(F.batch_norm(x, mean, variance, gamma, beta, True, 0.1, EPS))
        dx, dgamma, dbeta = torch.autograd.grad(y, (x, gamma, beta), given["dy"])
        return {"y": y, "dx": dx, "dgamma": dgamma, "dbeta": dbeta, "mean": mean, "variance": variance}

    return once(call)


def forward(config, x, unit, weights):
    """The ResNet of resnet.js."""
    y = unit(x, "conv1", "bn1", 1, True, None)
    before = config["widths"][0]
    for stage, width in enumerate(config["widths"]):
        for i in range((config["depth"] - 2) // 6):
            name, stride = f"layer{stage + 1}.{i}", 2 if stage > 0 and i == 0 else 1
            inner = unit(y, f"{name}.conv1", f"{name}.bn1", stride, True, None)
            if stride != 1 or before != width:
                y = unit(y, f"{name}.downsample.0", f"{name}.downsample.1", stride, False, None)
            y = unit(inner, f"{name}.conv2", f"{name}.bn2", 1, True, y)
            before = width
    return F.linear(y.mean((2, 3)), weights["fc.weight"], weights["fc.bias"])


def finish(y, relu, residual):
    if residual is not None:
        y = y + residual
    return F.relu(y) if relu else y


def trained(config, weights, x):
    def unit(x, conv, bn, stride, relu, residual):
        w = weights[f"{conv}.weight"]
        y = F.conv2d(x, w, stride=stride, padding=w.shape[2] // 2)
        mean, variance = weights[f"{bn}.running_mean"], weights[f"{bn}.running_var"]
        y = F.batch_norm(y, mean, variance, weights[f"{bn}.weight"], weights[f"{bn}.bias"], True, 0.1, EPS)
        return finish(y, relu, residual)

    return forward(config, x, unit, weights)


def frozen(config, weights):
    """A network with batch norm folded into its convolutions, as a function of pictures."""
    ready = dict(weights)
    for name, w in weights.items():
        if w.dim() != 4:
            continue
        conv = name[: -len(".weight")]
        bn = conv.replace("downsample.0", "downsample.1") if "downsample" in conv else conv.replace("conv", "bn")
        scale = weights[f"{bn}.weight"] / torch.sqrt(weights[f"{bn}.running_var"] + EPS)
        ready[name] = w * scale.reshape(-1, 1, 1, 1)
        ready[f"{conv}.bias"] = weights[f"{bn}.bias"] - weights[f"{bn}.running_mean"] * scale

    def unit(x, conv, bn, stride, relu, residual):
        w = ready[f"{conv}.weight"]
        return finish(F.conv2d(x, w, ready[f"{conv}.bias"], stride, w.shape[2] // 2), relu, residual)

    def run(x):
        with torch.no_grad():
            return forward(config, x, unit, ready)

    return run


def weights_of(given, prefix):
    return {name[len(prefix) + 1 :]: value for name, value in given.items() if name.startswith(f"{prefix}.")}


def step(spec, given):
    weights = weights_of(given, "student")
    parameters = [value.requires_grad_() for name, value in weights.items() if "running" not in name]
    teacher = frozen(spec["teacher"], weights_of(given, "teacher")) if spec.get("teacher") else None
    optimizer = torch.optim.SGD(parameters, lr=spec["learningRate"], momentum=spec["momentum"])

    def one():
        soft = teacher(given["xTeacher"]) if teacher else None
        value = distillation(trained(spec["student"], weights, given["x"]), given["labels"], soft, spec["temperature"])
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        return value.item()

    return {"outputs": lambda: {"losses": torch.tensor([one() for _ in range(spec["compared"])])}, "call": one}


def inference(spec, given):
    run = frozen(spec["network"], weights_of(given, "network"))
    x = given["x"].cpu()
    # From the host's numbers to the logits on the host, one picture after another.
    return once(lambda: {"logits": run(x.to(where)).cpu()})


def once(call):
    return {"outputs": call, "call": call}


families = {"conv": conv, "loss": loss, "ece": ece, "norm": norm, "step": step, "inference": inference}
prepared = {}
where = "cpu"


def device():
    """Where tensors lie, and what that place is called."""
    if sys.argv[1:] != ["gpu"]:
        return "cpu", "CPU"
    if torch.cuda.is_available():
        torch.backends.cuda.matmul.allow_tf32 = False
        torch.backends.cudnn.allow_tf32 = False
        return "cuda", torch.cuda.get_device_name()
    mps = getattr(torch.backends, "mps", None)
    if mps and mps.is_available():
        return "mps", "Apple GPU"
    raise RuntimeError("no GPU that this PyTorch can use")


def wait():
    """A call returns before a GPU has done its work."""
    if where == "cuda":
        torch.cuda.synchronize()
    if where == "mps":
        torch.mps.synchronize()


def load(folder, name, shape, kind):
    with open(os.path.join(folder, name), "rb") as file:
        raw = bytearray(file.read())
    values = torch.frombuffer(raw, dtype=torch.int32 if kind == "u32" else torch.float32).reshape(shape)
    return (values.long() if kind == "u32" else values).to(where)


def answer(what, request):
    global where
    if what == "open":
        torch.set_num_threads(request["threads"])
        threads = torch.get_num_threads()
        where, named = device()
        counted = f"{threads} {'thread' if threads == 1 else 'threads'}"
        how = {"cpu": f", {counted}", "cuda": ", TF32 off"}.get(where, "")
        return {"about": f"PyTorch {torch.__version__}, {named}, eager{how}"}
    if what == "prepare":
        folder, spec = request["folder"], request["spec"]
        given = {name: load(folder, name, each["shape"], each["type"]) for name, each in spec["inputs"].items()}
        prepared.update(families[spec["family"]](spec, given))
        results = prepared["outputs"]()
        for name, value in results.items():
            with open(os.path.join(folder, f"result.{name}"), "wb") as file:
                file.write(bytes(value.detach().cpu().contiguous().flatten().clone().storage().untyped()))
        return {"outputs": list(results)}
    if what == "time":
        start = time.perf_counter()
        for _ in range(request["calls"]):
            prepared["call"]()
        wait()
        return {"seconds": time.perf_counter() - start}
    prepared.clear()
    return {}


def say(value):
    answers.write(json.dumps(value) + "\n")
    answers.flush()


try:
    import torch
    import torch.nn.functional as F
except ImportError as missing:
    sys.stdin.readline()
    say({"error": str(missing)})
    sys.exit(0)

for line in sys.stdin:
    request = json.loads(line)
    try:
        say(answer(request.pop("what"), request))
    except Exception as error:  # a contestant that fails is void, and says why
        say({"error": str(error).split("\n")[0]})
