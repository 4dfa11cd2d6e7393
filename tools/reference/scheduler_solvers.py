"""Writes packages/schedulers/test/goldens/solvers.json: whole runs of every solver beside the ones schedulers.py records.

    python tools/reference/scheduler_solvers.py

Runs diffusers with its own float32 schedules, but has it step in float64: what is compared is the arithmetic of a solver, not
how float32 rounds it. (A few classes round the sample itself to float32 in each step.) Noise is drawn in float32 and widened.

DPM++ SDE takes its noise from a Brownian tree of torchsde, whose numbers for a seed are its own. Here the tree is replaced by
the same motion drawn as it is asked for: the first half of a step, then the rest of it.
"""

import json

import torch
from diffusers.schedulers import AysSchedules
from diffusers.schedulers import scheduling_dpmsolver_sde as sde
import diffusers

from schedulers import OUT, SDXL, SPACINGS, VERSIONS, digits

SAMPLE = 4


def narrow_noise(shape, generator=None, **_):
    """Noise as float32 draws of the generator, widened."""
    return torch.randn(shape, generator=generator).double()


class Brownian:
    """BrownianTreeNoiseSampler's motion, drawn in order."""

    generator = None

    def __init__(self, x, *_):
        self.shape, self.half = x.shape, None

    def __call__(self, sigma, sigma_next):
        drawn = narrow_noise(self.shape, self.generator)
        if self.half is None or self.half[0] != sigma:
            self.half = (sigma, sigma_next, drawn)
            return drawn
        _, middle, first = self.half
        first_part, second_part = sigma - middle, middle - sigma_next
        return (first_part.sqrt() * first + second_part.sqrt() * drawn) / (sigma - sigma_next).sqrt()


sde.BrownianTreeNoiseSampler = Brownian
for name in dir(diffusers.schedulers):
    if name.startswith("scheduling_"):
        module = getattr(diffusers.schedulers, name)
        if hasattr(module, "randn_tensor"):
            module.randn_tensor = narrow_noise

CLASSES = {
    "lms": ("LMSDiscreteScheduler", {}),
    "dpm2": ("KDPM2DiscreteScheduler", {}),
    "dpm2a": ("KDPM2AncestralDiscreteScheduler", {}),
    "sde": ("DPMSolverSDEScheduler", {}),
    "2m-sde": ("DPMSolverMultistepScheduler", {"algorithm_type": "sde-dpmsolver++"}),
    "2m": ("DPMSolverMultistepScheduler", {}),
    "unipc": ("UniPCMultistepScheduler", {}),
    "deis": ("DEISMultistepScheduler", {}),
    "ddpm": ("DDPMScheduler", {"clip_sample": False}),
    "lcm": ("LCMScheduler", {}),
    "tcd": ("TCDScheduler", {}),
    "edm-euler": ("EDMEulerScheduler", {}),
    "edm-2m": ("EDMDPMSolverMultistepScheduler", {}),
    "pndm-prk": ("PNDMScheduler", {}),
    "euler": ("EulerDiscreteScheduler", {}),
    "heun": ("HeunDiscreteScheduler", {}),
}
NEW = ["lms", "dpm2", "dpm2a", "sde", "2m-sde", "unipc", "deis", "ddpm"]
SPREAD = ["lms", "dpm2", "dpm2a", "sde", "2m-sde", "2m", "unipc", "deis", "euler", "heun"]
KINDS = ["use_karras_sigmas", "use_exponential_sigmas", "use_beta_sigmas"]


def model(x, t):
    """A stand-in for the UNet: smooth, bounded, different at every timestep and position. schedulers.py's, in float64."""
    ramp = torch.arange(SAMPLE, dtype=torch.float64)
    return 0.9 * torch.sin(1.3 * x + 0.004 * t + ramp) + 0.2 * torch.cos(0.5 * x - ramp)


def widen(scheduler):
    """Has the solver compute with what it holds in float32, in float64."""
    for key, value in vars(scheduler).items():
        if isinstance(value, torch.Tensor) and value.dtype == torch.float32 and key != "timesteps":
            setattr(scheduler, key, value.double())
    if hasattr(scheduler, "sigmas_up"):
        # DPM2 ancestral subtracts squares of float32 numbers that are all but equal: its own formulas again, in float64.
        levels = torch.cat([scheduler.sigmas[:1], scheduler.sigmas[1:-1:2]])
        after = torch.cat([levels[1:], levels.new_zeros(1)])
        up = (after**2 * (levels**2 - after**2) / levels**2) ** 0.5
        down = (after**2 - up**2) ** 0.5
        down[-1] = 0.0
        middle = levels.log().lerp(down.log(), 0.5).exp()
        middle[-2:] = 0.0
        for key, each in [("sigmas_up", up), ("sigmas_down", down), ("sigmas_interpol", middle)]:
            setattr(scheduler, key, torch.cat([each[:1], each[1:].repeat_interleave(2), each[-1:]]))
        told = [scheduler._sigma_to_t(each, scheduler.log_sigmas) for each in middle[:-2]]
        scheduler.timesteps[1::2] = torch.tensor(told, dtype=scheduler.timesteps.dtype)


def run(name, steps, start=0, eta=None, timesteps=None, sigmas=None, **options):
    cls, always = CLASSES[name]
    base = {} if name.startswith("edm") else SDXL
    config = {**base, **always, **options}
    scheduler = getattr(diffusers, cls)(**config)
    if timesteps:
        scheduler.set_timesteps(timesteps=timesteps)
    elif sigmas:
        scheduler.set_timesteps(sigmas=sigmas)
    else:
        scheduler.set_timesteps(steps)
    widen(scheduler)
    generator = torch.Generator("cpu").manual_seed(2000 + steps)
    Brownian.generator = generator
    told = scheduler.timesteps[start * scheduler.order :]
    noise = torch.randn(1, SAMPLE, generator=generator).double()
    if hasattr(scheduler, "set_begin_index"):
        scheduler.set_begin_index(start * scheduler.order)
    if start:
        x = scheduler.add_noise(torch.linspace(-1.0, 1.0, SAMPLE).double()[None], noise, told[:1])
    else:
        x = noise * scheduler.init_noise_sigma
    first, path, scales = x, [], []
    for i, t in enumerate(told):
        scaled = scheduler.scale_model_input(x, t)
        scales.append(float(scaled[0, 0] / x[0, 0]))
        kwargs = {"generator": generator} if "generator" in scheduler.step.__code__.co_varnames else {}
        if eta is not None:
            kwargs["eta"] = eta
        if name == "lms":
            # Started inside a schedule it would take weights of order 4 for slopes it does not have.
            kwargs["order"] = min(4, i + 1)
        x = scheduler.step(model(scaled, float(t)), t, x, **kwargs).prev_sample
        path.append(x)
    case = {"class": cls, "config": {**always, **options}, "steps": steps}
    case.update({key: value for key, value in [("start", start), ("eta", eta)] if value})
    if eta == 0:
        case["eta"] = 0
    case.update({key: value for key, value in [("customTimesteps", timesteps), ("customSigmas", sigmas)] if value})
    middle = len(path) // 2
    return {
        **case,
        "first": digits(first),
        "timesteps": digits(told, 7),
        "scale": digits([sum(scales)])[0],
        "path": [digits(path[at]) for at in sorted({0, middle, len(path) - 1})],
    }


def cases():
    found = []
    for name in NEW:
        for steps in [1, 2, 7, 20]:
            for i, spacing in enumerate(SPACINGS):
                prediction = ["epsilon", "v_prediction"][(i + steps) % 2]
                offset = 1 if spacing == "leading" else 0
                found.append(run(name, steps, timestep_spacing=spacing, steps_offset=offset, prediction_type=prediction))
    leading = {"timestep_spacing": "leading", "steps_offset": 1}
    for name in SPREAD:
        for kind in KINDS:
            for steps in [1, 2, 7, 20] if kind == KINDS[0] else [2, 9]:
                prediction = ["epsilon", "v_prediction"][steps % 2]
                found.append(run(name, steps, prediction_type=prediction, **{kind: True}, **leading))
    for steps in [3, 16]:
        for name in ["lms", "2m-sde", "unipc", "deis", "ddpm", "lcm", "tcd"]:
            found.append(run(name, steps, prediction_type="sample", **leading))
        for name in ["lms", "sde", "unipc", "deis", "ddpm"]:
            found.append(run(name, steps, beta_schedule="squaredcos_cap_v2"))
        trailing = {"timestep_spacing": "trailing", "prediction_type": "v_prediction", "rescale_betas_zero_snr": True}
        for name in ["2m-sde", "unipc", "ddpm", "lcm", "tcd"]:
            found.append(run(name, steps, **trailing))
        found.append(run("2m", steps, use_lu_lambdas=True))
        found.append(run("euler", steps, use_exponential_sigmas=True, sigma_min=0.05, sigma_max=10.0))
        for options in [
            {"solver_order": 1},
            {"solver_order": 3},
            {"solver_type": "heun"},
            {"final_sigmas_type": "sigma_min", "lower_order_final": False},
            {"final_sigmas_type": "sigma_min", "euler_at_final": True, "solver_order": 3},
            {"algorithm_type": "dpmsolver", "final_sigmas_type": "sigma_min"},
            {"algorithm_type": "dpmsolver", "final_sigmas_type": "sigma_min", "solver_type": "heun", "prediction_type": "v_prediction"},
            {"algorithm_type": "dpmsolver", "final_sigmas_type": "sigma_min", "solver_order": 3},
            {"algorithm_type": "sde-dpmsolver", "final_sigmas_type": "sigma_min"},
            {"algorithm_type": "sde-dpmsolver", "final_sigmas_type": "sigma_min", "solver_type": "heun"},
        ]:
            found.append(run("2m-sde", steps, **options))
        for options in [
            {"solver_order": 1},
            {"solver_order": 3},
            {"solver_order": 3, "prediction_type": "v_prediction", "use_karras_sigmas": True},
            {"solver_order": 3, "solver_type": "bh1", "final_sigmas_type": "sigma_min"},
            {"predict_x0": False, "final_sigmas_type": "sigma_min"},
            {"predict_x0": False, "final_sigmas_type": "sigma_min", "prediction_type": "v_prediction", "solver_order": 3},
            {"disable_corrector": [0, 2]},
            {"final_sigmas_type": "sigma_min", "lower_order_final": False},
            {"final_sigmas_type": "sigma_min", "use_karras_sigmas": True},
        ]:
            found.append(run("unipc", steps, **options))
        for options in [{"solver_order": 1}, {"solver_order": 3}, {"solver_order": 3, "lower_order_final": False}]:
            found.append(run("deis", steps, **options))
        for variance in ["fixed_small_log", "fixed_large"]:
            found.append(run("ddpm", steps, variance_type=variance, **leading))
    for name in ["lcm", "tcd"]:
        for steps in [1, 2, 4, 7, 50]:
            found.append(run(name, steps))
        found.append(run(name, 4, prediction_type="v_prediction", original_inference_steps=25))
        found.append(run(name, 3, start=1))
        found.append(run(name, 4, timesteps=[999, 759, 499, 259]))
    found.append(run("lcm", 4, timestep_scaling=0.1))
    for steps in [1, 4, 7]:
        for eta in [0, 1.0]:
            found.append(run("tcd", steps, eta=eta, prediction_type=["epsilon", "v_prediction"][steps % 2]))
    for name in ["edm-euler", "edm-2m"]:
        for steps in [1, 2, 7, 20]:
            for schedule in ["karras", "exponential"]:
                for prediction in ["epsilon", "v_prediction"]:
                    found.append(run(name, steps, sigma_schedule=schedule, prediction_type=prediction))
        found.append(run(name, 10, start=4))
        found.append(run(name, 9, final_sigmas_type="sigma_min", sigma_max=30.0, sigma_data=1.0, rho=5.0))
    for options in [{"solver_order": 1}, {"solver_order": 3}, {"solver_type": "heun"}, {"algorithm_type": "sde-dpmsolver++"}]:
        for steps in [3, 16]:
            found.append(run("edm-2m", steps, **options))
    for steps in [4, 7, 20]:
        for spacing in SPACINGS:
            prediction = ["epsilon", "v_prediction"][steps % 2]
            found.append(run("pndm-prk", steps, timestep_spacing=spacing, prediction_type=prediction))
    found.append(run("pndm-prk", 9, set_alpha_to_one=True, **leading))
    # Starting inside the schedule: image to image, refiner.
    for name in NEW:
        for steps, start in [(10, 4), (6, 5)]:
            found.append(run(name, steps, start=start, **leading))
            if name in SPREAD:
                found.append(run(name, steps, start=start, use_karras_sigmas=True, **leading))
    # Custom levels, where diffusers takes them.
    aligned = AysSchedules["StableDiffusionXLTimesteps"]
    for name in ["2m", "2m-sde", "euler", "heun", "ddpm"]:
        found.append(run(name, len(aligned), timesteps=aligned))
        found.append(run(name, 3, timesteps=[901, 433, 17], prediction_type="v_prediction"))
    for levels in ["StableDiffusionSigmas", "StableDiffusionXLSigmas"]:
        found.append(run("euler", 10, sigmas=AysSchedules[levels]))
    return found


if __name__ == "__main__":
    torch.set_num_threads(1)
    text = json.dumps({"versions": VERSIONS, "cases": cases()}, separators=(",", ":")).replace('},{"class', '},\n{"class')
    (OUT / "solvers.json").write_text(text + "\n")
    print(f"solvers.json: {len(text) / 1e3:.0f} kB")
