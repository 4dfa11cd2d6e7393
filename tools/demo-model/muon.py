"""Muon (orthogonalised momentum) for matrices and kernels, AdamW for the rest."""

import torch


def orthogonalise(g, steps=5):
    a, b, c = 3.4445, -4.7750, 2.0315
    flip = g.size(0) > g.size(1)
    x = (g.T if flip else g).bfloat16()
    x = x / (x.norm() + 1e-7)
    for _ in range(steps):
        m = x @ x.T
        x = a * x + (b * m + c * m @ m) @ x
    return (x.T if flip else x).float()


class Muon(torch.optim.Optimizer):
    def __init__(self, params, lr, momentum=0.95, weight_decay=0.0):
        super().__init__(params, dict(lr=lr, momentum=momentum, weight_decay=weight_decay))

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                state = self.state[p]
                if not state:
                    state["m"] = torch.zeros_like(p)
                state["m"].lerp_(p.grad, 1 - group["momentum"])
                g = p.grad.lerp(state["m"], group["momentum"]).reshape(p.size(0), -1)
                update = orthogonalise(g) * max(1.0, g.size(0) / g.size(1)) ** 0.5
                p.mul_(1 - group["lr"] * group["weight_decay"])
                p.add_(update.reshape(p.shape), alpha=-group["lr"])


def optimisers(named, lr, adam_lr, is_matrix=None):
    """Muon over hidden matrices; AdamW over vectors, embeddings and both ends."""
    is_matrix = is_matrix or (lambda name, p: p.ndim >= 2)
    named = [(n, p) for n, p in named if p.requires_grad]
    matrices = [p for n, p in named if is_matrix(n, p)]
    others = [p for n, p in named if not is_matrix(n, p)]
    return ([Muon(matrices, lr)] if matrices else []) + [torch.optim.AdamW(others, adam_lr, betas=(0.9, 0.99), weight_decay=0.0)]
