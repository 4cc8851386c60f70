"""The compiled log density of any PyMC model as a function of one flat vector, with its gradient and its kinks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from bayesreg.errors import GraphMismatchError, ParameterError
from bayesreg.interfaces import Array, Tensor


def evaluation_mode() -> Any:
    """Return the PyTensor mode for graphs that are only evaluated: compiles in well under a second, 0.5 ms a call.

    FAST_COMPILE alone leaves out the rewrites that keep log(1 − sigmoid(x)) finite for large x.
    """
    from pytensor.compile.mode import get_mode

    return get_mode("FAST_COMPILE").including("stabilize")


@final
class GraphDensity:
    """−log p of a PyMC model (Jacobians off) as a function of one flat vector, with its gradient and kinks.

    Parameters
    ----------
    model : pymc.Model
        Continuous free variables only.
    hold : mapping of str to number or array, optional
        Variables to hold fixed, on their natural scale; the others make up the vector.

    Notes
    -----
    Entries live on the model's unconstrained scale (log σ for a positive σ), but the density is that of the natural
    variables, so that a minimum is the mode people mean.  The gradient is the graph's own: at β_j = μ_j PyTensor takes
    sign(0) = 0 for a Laplace prior, which leaves exactly the gradient of the smooth part there.
    """

    def __init__(self, model: Any, hold: Mapping[str, float | Array] | None = None) -> None:
        import pymc as pm
        import pytensor
        import pytensor.tensor as pt
        from pymc.blocking import DictToArrayBijection
        from pymc.pytensorf import join_nonshared_inputs
        from pytensor.graph.replace import graph_replace

        _check_continuous(model)
        self.model = model
        self._variables = list(model.free_RVs)
        self._values = [model.rvs_to_values[rv] for rv in self._variables]
        initial = model.initial_point()
        start = DictToArrayBijection.map({v.name: initial[v.name] for v in self._values})
        self._info = start.point_map_info
        self._full = np.array(start.data, dtype=float)
        locations, rates = zip(*[_kink(model, rv) for rv in self._variables], strict=True)
        self._blocks = _blocks(self._variables, [size for _, _, size, _ in self._info])
        terms = [-model.logp(jacobian=False), *locations, *rates]
        replaced, x = join_nonshared_inputs(initial, terms, self._values, {})
        count = len(self._variables)
        loc = pt.concatenate([pt.flatten(t) for t in replaced[1 : count + 1]])
        rate = pt.concatenate([pt.flatten(t) for t in replaced[count + 1 :]])
        outputs = [replaced[0], pt.grad(replaced[0], x, disconnected_inputs="ignore"), loc, rate]
        mode = evaluation_mode()
        natural, y = join_nonshared_inputs(initial, model.replace_rvs_by_values(self._variables), self._values, {})
        natural = graph_replace(natural, {y: x})
        self._symbolic = x, natural
        outputs += natural
        self._function = pm.compile([x], outputs, mode=mode, on_unused_input="ignore")
        self._function.trust_input = True
        given = [rv.clone() for rv in self._variables]
        self._inner_of = {
            rv.name: pytensor.function(given, t.forward(v, *rv.owner.inputs), mode=mode, on_unused_input="ignore")
            for v, rv in zip(given, self._variables, strict=True)
            if (t := model.rvs_to_transforms[rv]) is not None
        }
        self.labels = tuple(label for rv in self._variables for label in _labels(model, rv, initial))
        self.free = np.ones(self._full.size, dtype=bool)
        for name, value in (hold or {}).items():
            self.hold(name, value)

    def hold(self, name: str, value: float | Array) -> None:
        """Hold the variable `name` at `value` on its natural scale."""
        part = self.slice_of(name)
        self._full = self.placed(self._full, {name: value})
        self.free[part] = False

    def release(self, name: str) -> None:
        """Let the variable `name` move again."""
        self.free[self.slice_of(name)] = True

    def slice_of(self, name: str) -> slice:
        """Return where the variable `name` sits in the whole vector."""
        at = 0
        for rv, (_, _, size, _) in zip(self._variables, self._info, strict=True):
            if rv.name == name:
                return slice(at, at + size)
            at += size
        msg = f"the model has no free variable {name!r} (it has {', '.join(rv.name for rv in self._variables)})"
        raise GraphMismatchError(msg)

    def places_of(self, name: str) -> tuple[tuple[str, ...], NDArray[np.int_]]:
        """Labels of a variable's entries, and where they stand among the free ones: −1 for held; empty if absent."""
        if name not in [rv.name for rv in self._variables]:
            return (), np.zeros(0, dtype=int)
        part = self.slice_of(name)
        return self.labels[part], np.where(self.free, np.cumsum(self.free) - 1, -1)[part]

    @property
    def free_labels(self) -> tuple[str, ...]:
        """Names of the free entries."""
        return tuple(label for label, free in zip(self.labels, self.free, strict=True) if free)

    @property
    def start(self) -> Array:
        """The model's initial point, free entries only."""
        return self._full[self.free].copy()

    @property
    def blocks(self) -> NDArray[np.int_]:
        """Labels of the blocks of free entries that have a kink in common."""
        return self._blocks[self.free]

    @property
    def transformed(self) -> NDArray[np.bool_]:
        """Free entries that live on another scale than the natural one."""
        marks = [self.model.rvs_to_transforms[rv] is not None for rv in self._variables]
        return np.repeat(marks, [size for _, _, size, _ in self._info])[self.free]

    def deterministics(self, x: Array) -> dict[str, Array]:
        """Return the model's deterministics at free entries `x`."""
        tensors = self.model.deterministics
        values = self.function_of(tensors)(self.full(x)) if tensors else []
        return {t.name: v for t, v in zip(tensors, values, strict=True)}

    def full(self, x: Array) -> Array:
        """Return the whole vector with free entries `x` and the held ones."""
        vector = self._full.copy()
        vector[self.free] = x
        return vector

    def __call__(self, x: Array) -> tuple[float, Array, Array, Array]:
        """Return (−logp, gradient, kink locations, kink rates) over the free entries.

        A location is NaN, and a rate 0, where the density has no kink.
        """
        # A trial step may leave the range of doubles; the caller sees the non-finite value and steps back.
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            value, gradient, loc, rate, *_ = self._function(self.full(x))
        return float(value), gradient[self.free], loc[self.free], rate[self.free]

    def natural(self, x: Array) -> dict[str, Array]:
        """Return every variable on its natural scale, at free entries `x`."""
        return self._natural(self.full(x))

    def natural_of(self, vector: Array, name: str) -> Array:
        """Return one variable on its natural scale at a whole vector."""
        return self._natural(vector)[name]

    def _natural(self, vector: Array) -> dict[str, Array]:
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            values = self._function(vector)[4:]
        return {rv.name: np.asarray(v) for rv, v in zip(self._variables, values, strict=True)}

    def natural_each(self, points: Array) -> dict[str, Array]:
        """Return every variable on its natural scale at each of the whole vectors `points` (m, k): arrays (m, ...)."""
        values = self._natural_of_many(points)
        return {rv.name: np.asarray(v) for rv, v in zip(self._variables, values, strict=True)}

    @cached_property
    def _natural_of_many(self) -> Callable[[Array], list[Array]]:
        import pytensor
        import pytensor.tensor as pt
        from pytensor.graph.replace import vectorize_graph

        x, natural = self._symbolic
        many = pt.matrix("points")
        each: Callable[[Array], list[Array]]
        each = pytensor.function([many], vectorize_graph(natural, {x: many}), mode=evaluation_mode())
        return each

    def at_natural(self, point: Mapping[str, float | Array]) -> Array:
        """Return the whole vector with the variables of `point`, given on their natural scale, put in."""
        return self.placed(self._full, point)

    def placed(self, vector: Array, point: Mapping[str, float | Array]) -> Array:
        """Return a whole vector with the variables of `point`, given on their natural scale, put in."""
        for name in point:
            self.slice_of(name)
        now = self._natural(vector)
        for name, value in point.items():
            now[name] = _shaped(name, value, now[name].shape)
        vector = vector.copy()
        for name in point:
            inner = self._inner_of[name](*now.values()) if name in self._inner_of else now[name]
            vector[self.slice_of(name)] = np.ravel(inner)
        return vector

    def function_of(self, tensors: Sequence[Tensor]) -> Callable[[Array], list[Array]]:
        """Return tensors of the model's graph as a function of the whole vector."""
        import pymc as pm
        from pymc.pytensorf import join_nonshared_inputs

        replaced = self.model.replace_rvs_by_values(list(tensors))
        outputs, x = join_nonshared_inputs(self.model.initial_point(), replaced, self._values, {})
        function = pm.compile([x], outputs, mode=evaluation_mode(), on_unused_input="ignore")

        def evaluate(vector: Array) -> list[Array]:
            with np.errstate(over="ignore", invalid="ignore", divide="ignore", under="ignore"):
                return [np.asarray(value) for value in function(vector)]

        return evaluate

    def evaluate(self, vector: Array) -> float:
        """−logp in nats at a whole vector."""
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            return float(self._function(vector)[0])

    def as_values(self, vector: Array) -> dict[str, Array]:
        """Return a whole vector as the dictionary of value variables that PyMC's own functions take."""
        from pymc.blocking import DictToArrayBijection, RaveledVars

        return dict(DictToArrayBijection.rmap(RaveledVars(vector, self._info)))


def require_model(caller: str, model: Any) -> None:
    """Raise ParameterError unless `model` is a PyMC model."""
    if not hasattr(model, "free_RVs"):
        msg = f"{caller} takes a Problem or a pymc.Model (got {type(model).__name__})"
        raise ParameterError(msg)


def _check_continuous(model: Any) -> None:
    if not model.free_RVs:
        msg = "the model has no free variable: there is nothing to maximise over"
        raise ParameterError(msg)
    discrete = [rv.name for rv in model.free_RVs if rv.dtype.startswith(("int", "uint", "bool"))]
    if discrete:
        msg = f"the model has discrete free variables ({', '.join(discrete)}): only continuous ones have a gradient"
        raise ParameterError(msg)


def _shaped(name: str, value: float | Array, shape: tuple[int, ...]) -> Array:
    try:
        return np.array(np.broadcast_to(np.asarray(value, dtype=float), shape))
    except ValueError:
        msg = f"the model's variable {name!r} has shape {shape}, but values of shape {np.shape(value)} were given"
        raise GraphMismatchError(msg) from None


def _kink(model: Any, rv: Tensor) -> tuple[Tensor, Tensor]:
    """Location and rate of the kink in the log density of a free variable: NaN and 0 where it is smooth.

    PyMC's own Laplace says so by its type; a CustomDist by `tag.kink` = (location, rate, blocks).
    """
    import pytensor.tensor as pt
    from pytensor.tensor.random.basic import LaplaceRV

    value = model.rvs_to_values[rv]
    smooth = pt.full_like(value, np.nan), pt.zeros_like(value)
    if model.rvs_to_transforms[rv] is not None:
        return smooth
    tagged = getattr(rv.tag, "kink", None)
    if tagged is not None:
        loc, rate = model.replace_rvs_by_values([pt.as_tensor(tagged[0]), pt.as_tensor(tagged[1])])
        return _filled(loc, value), _filled(rate, value)
    if not isinstance(rv.owner.op, LaplaceRV):
        return smooth
    loc, scale = model.replace_rvs_by_values(list(rv.owner.op.dist_params(rv.owner)))
    # Whole-number scales enter the graph in single precision.
    return _filled(loc, value), _filled(1 / pt.cast(scale, "float64"), value)


def _filled(tensor: Tensor, value: Tensor) -> Tensor:
    """`tensor`, which has one entry per entry of `value` or one for all, in the shape of `value`."""
    import pytensor.tensor as pt

    return pt.broadcast_to(tensor if value.ndim else tensor.flatten()[0], value.shape)


def _blocks(variables: list[Tensor], sizes: list[int]) -> NDArray[np.int_]:
    """Label of the block of each entry of the whole vector: its own, unless its variable has kinks of groups."""
    labels: list[NDArray[np.int_]] = []
    first = 0
    for rv, size in zip(variables, sizes, strict=True):
        tagged = getattr(rv.tag, "kink", None)
        own = np.arange(size) if tagged is None else np.asarray(tagged[2])
        labels.append(own + first)
        first += size
    return np.concatenate(labels)


def _labels(model: Any, rv: Tensor, initial: Mapping[str, Array]) -> list[str]:
    shape = initial[model.rvs_to_values[rv].name].shape
    if not shape:
        return [rv.name]
    dims = model.named_vars_to_dims.get(rv.name, (None,) * len(shape))
    if any(len(model.coords.get(d) or range(size)) != size for d, size in zip(dims, shape, strict=True)):
        dims = (None,) * len(shape)  # a simplex and its like: one entry fewer than the variable has
    coords = [model.coords.get(d) or range(size) for d, size in zip(dims, shape, strict=True)]
    return [f"{rv.name}[{', '.join(str(c[i]) for c, i in zip(coords, at, strict=True))}]" for at in np.ndindex(*shape)]
