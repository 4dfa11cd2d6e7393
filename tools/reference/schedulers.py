"""Writes the goldens of packages/schedulers from diffusers, torch and numpy.

    python tools/reference/schedulers.py

Deterministic: the same package versions on an x86-64 machine with AVX2 write the same files. Three files come out
under packages/schedulers/test/goldens/:

- random.json: torch and numpy normals, whole tensors as FNV-1a hashes of their bytes plus a few values to look at.
- schedules.json: timesteps (hashed) and sigmas (summed) for every number of steps, and noise tables.
- trajectories.json: whole runs of each scheduler over a fixed stand-in for the model.
"""

import json
import pathlib
import warnings

import diffusers
import numpy as np
import torch

warnings.filterwarnings("ignore")
diffusers.utils.logging.set_verbosity_error()

OUT = pathlib.Path(__file__).resolve().parents[2] / "packages" / "schedulers" / "test" / "goldens"
VERSIONS = {"diffusers": diffusers.__version__, "torch": torch.__version__.split("+")[0], "numpy": np.__version__}

SDXL = {"num_train_timesteps": 1000, "beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}
SPACINGS = ["linspace", "leading", "trailing"]


def fnv1a(data: bytes) -> int:
    """32-bit FNV-1a, small enough to write again in a test."""
    value = 0x811C9DC5
    for byte in data:
        value = ((value ^ byte) * 0x01000193) & 0xFFFFFFFF
    return value


def digits(values, count=9):
    return [float(f"{float(v):.{count}g}") for v in np.asarray(values).ravel()]


# ---------------------------------------------------------------------------------------------- random


def drawn(values: np.ndarray) -> dict:
    """A draw: its length, a hash of its bytes, and the first and last values."""
    flat = np.ascontiguousarray(values).ravel()
    ends = flat if flat.size <= 8 else np.concatenate([flat[:4], flat[-4:]])
    return {"n": int(flat.size), "hash": fnv1a(flat.tobytes()), "ends": [float(v) for v in ends]}


def torch_case(seed, lengths, dtype):
    generator = torch.Generator("cpu").manual_seed(seed)
    draws = [drawn(torch.randn(n, generator=generator, dtype=getattr(torch, dtype)).numpy()) for n in lengths]
    # Seeds beyond 2^53 do not survive JSON as numbers.
    return {"seed": str(seed), "dtype": dtype, "draws": draws}


def numpy_case(seed, lengths):
    state = np.random.RandomState(seed)
    return {"seed": str(seed), "draws": [drawn(state.standard_normal(n).astype(np.float32)) for n in lengths]}


def random_goldens():
    lengths = [
        [1, 1, 3, 15],
        [16, 17, 31, 32, 33],
        [3, 16, 3, 64, 4, 5],  # a kept sine survives a block draw
        [1000, 1, 999],
        [4 * 32 * 32, 4 * 31 * 33],
    ]
    cases = []
    for dtype in ["float32", "float16"]:
        for i, sizes in enumerate(lengths):
            cases.append(torch_case([0, 1, 42, 2147483647, 4294967295][i], sizes, dtype))
        for seed in [-1, -5, 2**32 + 7, 2**53 - 1, 2**63 + 11, 2**64 - 1]:
            cases.append(torch_case(seed, [20, 7], dtype))
    cases.append(torch_case(123456789, [4 * 128 * 128, 4 * 128 * 128], "float32"))
    cases.append(torch_case(987654321, [4 * 64 * 64], "float16"))
    numpy_cases = [
        numpy_case(0, [1, 2, 3, 4]),
        numpy_case(1, [16, 17]),
        numpy_case(93, [4 * 64 * 64, 5]),
        numpy_case(2**32 - 1, [1001]),
    ]
    return {"versions": VERSIONS, "torch": cases, "numpy": numpy_cases}


# ---------------------------------------------------------------------------------------------- schedules

CLASSES = {
    "ddim": (diffusers.DDIMScheduler, {"clip_sample": False}),
    "euler": (diffusers.EulerDiscreteScheduler, {}),
    "euler-ancestral": (diffusers.EulerAncestralDiscreteScheduler, {}),
    "dpmpp-2m": (diffusers.DPMSolverMultistepScheduler, {}),
    "heun": (diffusers.HeunDiscreteScheduler, {}),
    "pndm": (diffusers.PNDMScheduler, {"skip_prk_steps": True}),
}
KARRAS = ("euler", "dpmpp-2m", "heun")


def config_of(name, options):
    cls, always = CLASSES[name]
    return {"_class_name": cls.__name__, **SDXL, **always, **options}


def make(name, **options):
    config = config_of(name, options)
    return CLASSES[name][0](**{key: value for key, value in config.items() if not key.startswith("_")})


# Every usual number of steps, and some large ones.
GROUPS = [list(range(first, first + 25)) for first in range(1, 150, 25)] + [[200, 250, 333, 500, 777, 999]]


def schedule_hashes():
    """For groups of numbers of steps: a hash of all timesteps as float32, and the sum of all sigmas.

    With trailing spacing some numbers of steps give diffusers one timestep too many (-1, from a rounding in
    np.arange); those are listed and left out of the groups.
    """
    found = []
    for name in ["ddim", "euler", "euler-ancestral", "dpmpp-2m"]:
        for spacing in SPACINGS:
            for karras in [False, True] if name in KARRAS else [False]:
                if karras and name == "dpmpp-2m" and spacing != "linspace":
                    continue  # spacing does not matter there
                options = {"timestep_spacing": spacing, "steps_offset": 1 if spacing == "leading" else 0}
                if karras:
                    options["use_karras_sigmas"] = True
                scheduler = make(name, **options)
                odd = [n for n in range(1, 1001) if len(np.arange(1000, 0, -1000 / n)) != n] if spacing == "trailing" else []
                groups = []
                for counts in GROUPS:
                    counts = [steps for steps in counts if steps not in odd]
                    data, total = b"", 0.0
                    for steps in counts:
                        scheduler.set_timesteps(steps)
                        assert len(scheduler.timesteps) == steps
                        data += scheduler.timesteps.numpy().astype(np.float32).tobytes()
                        if name != "ddim":
                            total += float(scheduler.sigmas.double().sum())
                    # Karras timesteps of Euler are fractions that depend on the machine's logarithm.
                    timesteps = None if karras and name == "euler" else fnv1a(data)
                    groups.append({"steps": counts, "timesteps": timesteps, "sigmas": digits([total])[0]})
                found.append({"config": config_of(name, options), "odd": odd, "groups": groups})
    return found


def tables():
    found = []
    for config in [
        SDXL,
        {**SDXL, "beta_schedule": "linear"},
        {},
        {"beta_schedule": "squaredcos_cap_v2"},
        {**SDXL, "rescale_betas_zero_snr": True},
        {**SDXL, "num_train_timesteps": 77},
        {"num_train_timesteps": 5, "trained_betas": [0.1, 0.2, 0.3, 0.25, 0.5]},
    ]:
        scheduler = diffusers.EulerAncestralDiscreteScheduler(**config)
        alphas = scheduler.alphas_cumprod.numpy()
        picks = sorted({0, 1, 2, len(alphas) // 2, len(alphas) - 2, len(alphas) - 1})
        found.append({"config": config, "hash": fnv1a(alphas.tobytes()), "at": picks, "alphasCumprod": digits(alphas[picks])})
    return found


# ---------------------------------------------------------------------------------------------- trajectories

SAMPLE = 6


def model(x: torch.Tensor, t: float) -> torch.Tensor:
    """A stand-in for the UNet: smooth, bounded, different at every timestep and position."""
    ramp = torch.arange(SAMPLE, dtype=torch.float32)
    return 0.9 * torch.sin(1.3 * x + 0.004 * t + ramp) + 0.2 * torch.cos(0.5 * x - ramp)


def trajectory(name, steps, start=0, eta=None, **options):
    scheduler = make(name, **options)
    scheduler.set_timesteps(steps)
    generator = torch.Generator("cpu").manual_seed(1000 + steps)
    timesteps = scheduler.timesteps[start * scheduler.order :]
    x = torch.randn(SAMPLE, generator=generator)
    clean = torch.linspace(-1.0, 1.0, SAMPLE)
    if hasattr(scheduler, "set_begin_index"):
        # As image to image does. Without it the first of equal timesteps is skipped, and a run can end past the end.
        scheduler.set_begin_index(start * scheduler.order)
    if start > 0:
        x = scheduler.add_noise(clean[None], x[None], timesteps[:1])[0]
    else:
        x = x * scheduler.init_noise_sigma
    first = x
    path, scales = [], []
    for t in timesteps:
        scaled = scheduler.scale_model_input(x, t)
        scales.append(float(scaled[0] / x[0]))
        out = model(scaled, float(t))
        kwargs = {"generator": generator} if name in ("euler-ancestral",) or eta else {}
        if eta is not None:
            kwargs["eta"] = eta
        x = scheduler.step(out, t, x, **kwargs).prev_sample
        path.append(digits(x))
    case = {
        "config": config_of(name, options),
        "steps": steps,
        "seed": 1000 + steps,
        "initNoiseSigma": float(scheduler.init_noise_sigma),
        "first": digits(first),
        "timesteps": digits(timesteps),
        "inputScales": digits(scales),
        "path": path if len(path) <= 5 else path[:1] + path[-2:],
    }
    if start:
        case["start"] = start
    if eta is not None:
        case["eta"] = eta
    if hasattr(scheduler, "sigmas"):
        case["sigmas"] = digits(scheduler.sigmas[start * scheduler.order :])
    return case


def trajectories():
    found = []
    for steps in [1, 2, 5, 20, 25]:
        for spacing in SPACINGS:
            offset = 1 if spacing == "leading" else 0
            for prediction in ["epsilon", "v_prediction"]:
                common = {"timestep_spacing": spacing, "steps_offset": offset, "prediction_type": prediction}
                for name in CLASSES:
                    found.append(trajectory(name, steps, **common))
                    if name in KARRAS:
                        found.append(trajectory(name, steps, use_karras_sigmas=True, **common))
    leading = {"timestep_spacing": "leading", "steps_offset": 1}
    zero_snr = {"timestep_spacing": "trailing", "prediction_type": "v_prediction", "rescale_betas_zero_snr": True}
    for steps in [4, 14, 15, 30]:
        for extra in [
            {"solver_order": 1},
            {"solver_order": 3},
            {"solver_order": 3, "lower_order_final": False, "final_sigmas_type": "sigma_min"},
            {"solver_order": 3, "prediction_type": "v_prediction", "use_karras_sigmas": True},
            {"solver_type": "heun"},
            {"euler_at_final": True, "final_sigmas_type": "sigma_min"},
            {"lower_order_final": False, "final_sigmas_type": "sigma_min"},
            {"final_sigmas_type": "sigma_min"},
            {"prediction_type": "sample"},
            {"beta_schedule": "squaredcos_cap_v2", "lambda_min_clipped": -5.1},
            {"beta_schedule": "squaredcos_cap_v2", "lambda_min_clipped": -5.1, "use_karras_sigmas": True},
            {"beta_schedule": "linear"},
            zero_snr,
        ]:
            found.append(trajectory("dpmpp-2m", steps, **{**leading, **extra}))
    for steps in [3, 16]:
        for extra in [
            {"interpolation_type": "log_linear"},
            {"final_sigmas_type": "sigma_min"},
            {"prediction_type": "sample"},
            {"sigma_min": 0.05, "sigma_max": 10.0, "use_karras_sigmas": True},
            {"timestep_type": "continuous", "prediction_type": "v_prediction", "use_karras_sigmas": True},
            {"beta_schedule": "squaredcos_cap_v2"},
            zero_snr,
        ]:
            found.append(trajectory("euler", steps, **{**leading, **extra}))
        for extra in [{"beta_schedule": "squaredcos_cap_v2"}, {"prediction_type": "sample"}]:
            found.append(trajectory("heun", steps, **{**leading, **extra}))
        found.append(trajectory("pndm", steps, set_alpha_to_one=True, **leading))
        for extra in [{"beta_schedule": "linear"}, zero_snr]:
            found.append(trajectory("euler-ancestral", steps, **{**leading, **extra}))
        for extra in [{"set_alpha_to_one": False}, {"prediction_type": "sample"}, {"beta_schedule": "squaredcos_cap_v2"}, zero_snr]:
            found.append(trajectory("ddim", steps, **{**leading, **extra}))
        for eta in [0.3, 1.0]:
            for extra in [{}, {"prediction_type": "v_prediction", "timestep_spacing": "trailing"}]:
                found.append(trajectory("ddim", steps, eta=eta, **{**leading, **extra}))
    # Starting inside the schedule: image to image, refiner.
    for name in CLASSES:
        for steps, start in [(10, 4), (30, 21), (6, 5)]:
            found.append(trajectory(name, steps, start=start, **leading))
            if name in KARRAS:
                found.append(trajectory(name, steps, start=start, use_karras_sigmas=True, **leading))
    return found


def write(name, value):
    OUT.mkdir(parents=True, exist_ok=True)
    text = json.dumps(value, separators=(",", ":")).replace('},{"', '},\n{"')
    (OUT / name).write_text(text + "\n")
    print(f"{name}: {len(text) / 1e3:.0f} kB")


if __name__ == "__main__":
    torch.set_num_threads(1)
    write("random.json", random_goldens())
    write("schedules.json", {"versions": VERSIONS, "tables": tables(), "schedules": schedule_hashes()})
    write("trajectories.json", {"versions": VERSIONS, "cases": trajectories()})
