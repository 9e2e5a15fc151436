from __future__ import annotations

from pathlib import Path

import pytest

from cellml.errors import CellmlError, FileError
from cellml.sim.errors import SimulationError
from cellml.sim.expression import parse
from cellml.sim.model_file import load_model, parse_model
from cellml.sim.sources import missing_sources

GOOD = """\
name: probe
temperature: {value: 37, unit: degC}
compartments:
  cytosol: {region: [cytosol, spine]}
membranes:
  PM: {facets: [PM, PSD]}
parameters:
  k_on: {value: 2, unit: 1/(uM*s), bounds: [0.1, 10], prior: {lognormal: {median: 1, sd_log: 0.5}}, estimate: true, source: "Smith 1999"}
  k_off: {value: 0.1, unit: 1/s, temperature: 22 degC}
  K: {value: 0.5, unit: uM}
stimuli:
  ramp: {times: [0, 1], time_unit: ms, values: [0, 2], unit: uM/s}
  decay: {formula: exp(-k_off*t)}
species:
  A: {in: cytosol, D: {value: 10, unit: um^2/s}, initial: {value: 1, unit: uM}}
  X: {on: PM, D: {value: 1, unit: um^2/s}, initial: {value: 1000, unit: molecule/um^2}}
  B: {on: PM}
reactions:
  - {name: bind, on: PM, equation: A + X <-> B, forward: k_on, backward: k_off}
  - {name: feed, in: cytosol, equation: 0 -> A, rate: ramp*decay}
  - name: pump
    on: PM
    equation: A -> 0
    rate: k_off*X*hill(A, K, 2)
fixed:
  - {of: A, on: cut_z0, value: {value: 1, unit: uM}}
releases:
  - {of: A, at: [0, 0, 0.5], amount: {value: 100, unit: molecule}}
time:
  end: {value: 1, unit: s}
  step: {value: 10, unit: ms}
  scheme: backward_euler
observables:
  - {type: amount, of: A}
  - {type: mean, of: B, reduce: peak, unit: molecule/nm^2}
  - {type: rate, of: pump}
  - {type: area, on: PM}
"""


def read(text: str):
    return parse_model(text, Path("model.yaml"))


def changed(old: str, new: str) -> str:
    assert GOOD.count(old) == 1, f"{old!r} stands {GOOD.count(old)} times in the model"
    return GOOD.replace(old, new)


def test_a_model_is_read_as_written():
    model = read(GOOD)
    assert (model.name, model.cut, model.steady, model.lumped) == ("probe", "sealed", False, False)
    assert model.temperature is not None and model.temperature.to("K") == pytest.approx(310.15)
    assert (model.compartments["cytosol"].regions, model.membranes["PM"].facets) == (("cytosol", "spine"), ("PM", "PSD"))
    assert [(s.name, s.place, s.bulk, str(s.D), str(s.initial)) for s in model.species.values()] == [
        ("A", "cytosol", True, "D_A", "A_initial"),
        ("X", "PM", False, "D_X", "X_initial"),
        ("B", "PM", False, "0.0", "0.0"),
    ]
    bind, feed, pump = model.reactions
    assert (bind.rate, bind.changes) == (parse("k_on*A*X - k_off*B"), {"A": -1, "X": -1, "B": 1})
    assert (feed.rate, feed.forward, feed.changes) == (parse("ramp*exp(-k_off*t)"), None, {"A": 1})
    assert (pump.place, pump.changes, pump.where) == ("PM", {"A": -1}, "model.yaml:21")
    assert model.stimuli["ramp"].times == (0.0, 0.001)
    assert model.fixed[0].on == "cut_z0" and model.releases[0].at == (0.0, 0.0, 0.5)
    assert model.time is not None and (model.time.steps, model.time.scheme) == (100, "backward_euler")
    assert [o.name for o in model.observables] == ["A_amount_final", "B_mean_peak", "pump_rate_final", "area"]


def test_values_are_in_micrometres_seconds_and_molecules():
    model = read(GOOD)
    per_uM = 602.214076
    expected = {"k_on": 2 / per_uM, "k_off": 0.1, "K": 0.5 * per_uM, "D_A": 10.0, "A_initial": per_uM, "D_X": 1.0, "X_initial": 1000.0}
    assert model.values() == pytest.approx(expected | {"A_on_cut_z0": per_uM, "A_released": 100.0})
    assert model.stimuli["ramp"].values == pytest.approx((0.0, 2 * per_uM))
    k_on = model.parameters["k_on"]
    assert k_on.bounds == pytest.approx((0.1 / per_uM, 10 / per_uM)) and k_on.estimate
    assert k_on.prior is not None and (k_on.prior.kind, k_on.prior.second) == ("lognormal", 0.5)
    assert k_on.prior.first == pytest.approx(1 / per_uM)


def test_the_spread_of_a_prior_has_no_zero_point():
    text = changed(
        "  K: {value: 0.5, unit: uM}", "  K: {value: 0.5, unit: uM}\n  T: {value: 20, unit: degC, prior: {normal: {mean: 20, sd: 2}}}"
    )
    prior = read(text).parameters["T"].prior
    assert prior is not None and (prior.first, prior.second) == pytest.approx((293.15, 2.0))


def test_numbers_can_be_changed_by_name():
    model = read(GOOD).with_values({"k_off": 0.7})
    assert model.values()["k_off"] == 0.7
    with pytest.raises(SimulationError, match="no parameter 'k_of'; it has: k_on"):
        model.with_values({"k_of": 1.0})


def test_places_that_are_not_declared_have_their_own_name():
    text = GOOD.replace("compartments:\n  cytosol: {region: [cytosol, spine]}\nmembranes:\n  PM: {facets: [PM, PSD]}\n", "")
    model = read(text)
    assert (model.compartments["cytosol"].regions, model.membranes["PM"].facets) == (("cytosol",), ("PM",))


def test_a_patch_of_a_membrane_may_hold_a_reaction():
    assert read(changed("name: pump\n    on: PM", "name: pump\n    on: PSD")).membranes["PSD"].facets == ("PSD",)


def test_constants_without_a_source_are_listed():
    missing = missing_sources(read(GOOD))
    assert len(missing) == 8 and not any("k_on" in line for line in missing)
    assert any("k_off = 0.1 1/s" in line for line in missing)


# (what stands in GOOD, what stands there instead, line, message)
MISTAKES = [
    # keys
    ("name: probe", "nam: probe", 1, r"`nam`: is not a key of a model; did you mean 'name'\?"),
    ("D: {value: 10,", "d: {value: 10,", 15, r"`species.A.d`: is not a key of a model"),
    ("initial: {value: 1, unit", "inital: {value: 1, unit", 15, r"did you mean 'initial'\?"),
    ("time:\n", "time:\n  scheme: bdf2\n", 33, "`time.scheme`: the key 'scheme' stands here for a second time"),
    ("  B: {on: PM}", "  X: {on: PM}", 17, "the key 'X' stands here for a second time"),
    ("  - {type: area, on: PM}", "  - {type: area, on: [PM", 38, "this is not YAML"),
    # units
    ("value: 10, unit: um^2/s", "value: 10", 15, "`species.A.D`: the key 'unit' is missing"),
    ("value: 10, unit: um^2/s", "value: 10, unit: um/s", 15, r"`species.A.D.unit`: a unit such as um\^2/s is needed"),
    ("value: 10, unit: um^2/s", "value: 10, unit: parsnips", 15, "'parsnips' is not a unit"),
    ("value: 10, unit: um^2/s", "value: 10, unit: 9**9**9**9", 15, "is not a unit"),
    ("value: 10, unit: um^2/s", "value: 10, unit: km^99", 15, "such as um.2/s is needed"),
    ("initial: {value: 1, unit: uM}", "initial: {value: 1, unit: molecule/um^2}", 15, "such as uM is needed"),
    ("initial: {value: 1000, unit: molecule/um^2}", "initial: {value: 1, unit: uM}", 16, "such as molecule/um.2 is needed"),
    ("D: {value: 10, unit: um^2/s}", "D: 10", 15, r"`species.A.D`: a value with a unit is needed, such as \{value: 10, unit: um\^2/s\}"),
    ("D: {value: 10, unit: um^2/s}", "D: k_off", 15, r"a unit such as um\^2/s is needed .* `k_off` is 1 / \[time\]"),
    ("unit: 1/(uM*s), b", "unit: 1/s, b", 19, "`reactions.0.forward`: in .* is .* but .* is"),
    ("rate: ramp*decay", "rate: decay", 20, r"`reactions.1.rate`: a unit such as molecule/um\^3/s is needed"),
    ("rate: k_off*X*hill(A, K, 2)", "rate: k_off*A*hill(A, K, 2)", 24, r"a unit such as molecule/um\^2/s is needed"),
    ("rate: k_off*X*hill(A, K, 2)", "rate: k_off*X*hill(A, X, 2)", 24, r"`A` is .* but `X` is"),
    ("unit: molecule/nm^2}", "unit: uM}", 35, "B_mean_peak comes in a unit such as molecule/um.2, not in uM"),
    ("unit: molecule/nm^2}", "unit: 12}", 35, "`observables.1.unit`"),
    ("end: {value: 1, unit: s}", "end: {value: 1, unit: nm}", 30, "`time.end.unit`: a unit such as s is needed"),
    ("amount: {value: 100, unit: molecule}", "amount: {value: 100, unit: uM}", 28, "such as molecule is needed"),
    ("time_unit: ms", "time_unit: mm", 12, "`stimuli.ramp.time_unit`: a unit such as s is needed"),
    ("temperature: {value: 37, unit: degC}", "temperature: {value: 37, unit: s}", 2, "such as K is needed"),
    ("temperature: 22 degC", "temperature: warm", 9, "a temperature is needed, such as 310 K or 37 degC, found 'warm'"),
    # names of species, places and reactions
    ("A + X <-> B", "A + Y <-> B", 19, "`reactions.0.equation`: 'Y' is not a species; there are A, X, B"),
    (
        "on: PM, equation: A + X",
        "on: PMM, equation: A + X",
        19,
        r"'PMM' is not one of the membranes; did you mean 'PM'\?; declared: PM, PSD",
    ),
    ("X: {on: PM,", "X: {on: ER,", 16, "`species.X.on`: 'ER' is not one of the membranes"),
    ("A: {in: cytosol,", "A: {in: cytosl,", 15, r"'cytosl' is not one of the compartments; did you mean 'cytosol'\?"),
    ("X: {on: PM,", "X: {on: PSD,", 19, "X lives on PSD, which does not cover PM; list its facets"),
    ("in: cytosol, equation: 0 -> A", "in: spine, equation: 0 -> A", 20, "the region 'spine' belongs to"),
    (
        "in: cytosol, equation: 0 -> A",
        "in: cytosol, equation: 0 -> X",
        20,
        "X lives in PM, not in cytosol; a reaction between places stands `on:`",
    ),
    ("rate: k_off*X*hill(A, K, 2)", "rate: k_of*X", 24, "'k_of' is not known here; known: A, A_initial"),
    ("of: pump}", "of: pumps}", 36, r"'pumps' is not a reaction; did you mean 'pump'\?"),
    ("type: amount, of: A", "type: amount, of: AA", 34, "`observables.0.of`: 'AA' is not a species"),
    ("type: amount, of: A", "type: amount", 34, "`of` is missing: the species that is meant, one of A, X, B"),
    ("type: amount, of: A", "type: relaxation_time, of: X", 34, "X lives on a membrane; this needs the other kind"),
    ("of: A, on: cut_z0", "of: X, on: cut_z0", 26, "X lives on a membrane; this needs the other kind"),
    ("of: A, at:", "of: Z, at:", 28, "'Z' is not a species"),
    # one name, one meaning
    ("name: feed", "name: bind", 20, "a second reaction has the name 'bind'"),
    ("type: area, on: PM", "type: amount, of: A", 37, "a second observable has the name 'A_amount_final'"),
    ("  decay:", "  k_on:", 13, "the name 'k_on' stands for one of the parameters as well"),
    ("  ramp:", "  A:", 15, "`species.A`: the name 'A' stands for one of the stimuli as well"),
    ("  K: {", "  B: {", 17, "`species.B`: the name 'B' stands for one of the parameters as well"),
    ("  K: {value: 0.5, unit: uM}", "  D_A: {value: 0.5, unit: uM}", 15, "the name 'D_A', which this number needs, is a parameter already"),
    ("  K: {", "  t: {", 10, "the name 't' is taken"),
    ("  K: {", "  exp: {", 10, "the name 'exp' is taken: formulas know it as a function"),
    ("  K: {", "  lambda: {", 10, "'lambda' cannot be a name"),
    ("  K: {", "  2K: {", 10, "'2K' cannot be a name: a-z, A-Z"),
    ("  B: {on: PM}", "  B: {on: cytosol}", 17, "'cytosol' is (a compartment|not one of the membranes)"),
    # numbers out of range
    ("value: 0.1, unit: 1/s", "value: -0.1, unit: 1/s", 9, "k_off = -0.1 1/s is a negative rate; turn the reaction around"),
    ("value: 2, unit: 1/(uM*s)", "value: -2, unit: 1/(uM*s)", 8, "is a negative rate"),
    ("forward: k_on", "forward: {value: -1, unit: 1/(uM*s)}", 19, "`reactions.0.forward`: must not be negative"),
    ("backward: k_off", "backward: -k_off", 19, "`reactions.0.backward`: must not be negative"),
    ("rate: k_off*X*hill(A, K, 2)", "rate: -k_off*X*hill(A, K, 2)", 24, "is negative: turn the reaction around"),
    ("value: 10, unit: um^2/s", "value: -10, unit: um^2/s", 15, "`species.A.D`: must not be negative"),
    ("initial: {value: 1, unit: uM}", "initial: {value: -1, unit: uM}", 15, "`species.A.initial`: must not be negative, found -1 uM"),
    ("amount: {value: 100,", "amount: {value: -100,", 28, "`releases.0.amount`: must not be negative"),
    ("value: {value: 1, unit: uM}", "value: {value: -1, unit: uM}", 26, "`fixed.0.value`: must not be negative"),
    ("value: 10, unit: um^2/s", "value: .inf, unit: um^2/s", 15, "a finite number is needed, found inf"),
    ("value: 10, unit: um^2/s", "value: 1e999, unit: um^2/s", 15, "a finite number is needed, found inf"),
    ("value: 10, unit: um^2/s", "value: .nan, unit: um^2/s", 15, "a finite number is needed, found nan"),
    ("value: 10, unit: um^2/s", "value: true, unit: um^2/s", 15, "a finite number is needed, found True"),
    ("value: 10, unit: um^2/s", f"value: 1{'0' * 400}, unit: um^2/s", 15, "larger than numbers can be"),
    ("value: 10, unit: um^2/s", "value: 1e308, unit: m^2/s", 15, "out of the range of numbers"),
    ("value: 10, unit: um^2/s", "value: 1e-320, unit: nm^2/s", 15, "out of the range of numbers"),
    ("forward: k_on", "forward: k_on*exp(1e4)", 19, "is inf with the values of the parameters; a finite number is needed"),
    ("bounds: [0.1, 10]", "bounds: [3, 10]", 8, "k_on = 2 1/.uM.s. lies outside its bounds"),
    ("bounds: [0.1, 10]", "bounds: [10, 0.1]", 8, "the low bound must lie below the high one"),
    ("bounds: [0.1, 10]", "bounds: [-1, 10]", 8, "is a rate and cannot be negative, but its low bound is"),
    ("bounds: [0.1, 10]", "bounds: 10", 8, r"bounds are two numbers \[low, high\] in 1/\(uM\*s\), found 10"),
    ("lognormal: {median: 1, sd_log: 0.5}", "lognormal: {median: -1, sd_log: 0.5}", 8, "make no lognormal distribution"),
    ("lognormal: {median: 1, sd_log: 0.5}", "uniform: {low: 3, high: 4}", 8, "the prior allows values between"),
    ("lognormal: {median: 1, sd_log: 0.5}", "uniform: {low: 4, high: 3}", 8, "make no uniform distribution"),
    ("lognormal: {median: 1, sd_log: 0.5}", "gamma: {k: 4}", 8, r"a prior is one of lognormal: \{median, sd_log\}"),
    ("lognormal: {median: 1, sd_log: 0.5}", "normal: {mean: 4, sd: 0}", 8, "make no normal distribution"),
    ("step: {value: 10, unit: ms}", "step: {value: 2, unit: s}", 31, "`time.step`: a step of 2 s is longer than the whole run of 1 s"),
    ("step: {value: 10, unit: ms}", "step: {value: 1e-9, unit: s}", 31, r"these are 1e\+09 steps; at most 1e\+08 are followed"),
    ("step: {value: 10, unit: ms}", "step: {value: 1, unit: diffusion_time}", 31, "`time.step.unit`"),
    ("step: {value: 10, unit: ms}", "step: {value: 0, unit: s}", 31, "must be positive, found 0"),
    ("step: {value: 10, unit: ms}", "steps: 0", 31, "a whole number of at least 1"),
    ("step: {value: 10, unit: ms}", "steps: 10\n  step: {value: 10, unit: ms}", 32, "give either the length of a `step` or the number"),
    ("step: {value: 10, unit: ms}", "tolerance: 2", 31, "a share between 0 and 1 is needed"),
    ("scheme: backward_euler", "scheme: backward_eule", 32, r"is not a time-stepping scheme; did you mean 'backward_euler'\?"),
    ("values: [0, 2]", "values: [0, 2, 3]", 12, "there are 2 times but 3 values"),
    ("times: [0, 1]", "times: [1, 1]", 12, "times must increase"),
    ("at: [0, 0, 0.5]", "at: [0, 0]", 28, r"three coordinates \[x, y, z\] in nm"),
    # formulas
    ("forward: k_on", "forward: __import__('os').system('touch made')", 19, "`reactions.0.forward`: .* is not a formula"),
    ("formula: exp(-k_off*t)", "formula: __import__(os)", 13, "'__import__' is not a function of formulas"),
    ("formula: exp(-k_off*t)", "formula: exp(-k_of*t)", 13, "`stimuli.decay.formula`: 'k_of' is not known here"),
    ("formula: exp(-k_off*t)", "formula: exp(-t)", 13, r"the argument of exp, `-t`, must be a plain number but is \[time\]"),
    ("rate: ramp*decay", "rate: ramp*decay +", 20, "is not a formula; write for example"),
    ("rate: ramp*decay", "rate: [1]", 20, "a formula is needed, found"),
    ("initial: {value: 1, unit: uM}", "initial: K*sin(t)", 15, "'t' is not known here|plain number"),
    # reactions
    ("equation: A + X <-> B", "equation: A + X", 19, "is not an equation"),
    ("equation: A + X <-> B", "equation: A + X -> B", 19, "does not go backward, so it has no `backward`"),
    (", backward: k_off", "", 19, "needs `backward`"),
    ("forward: k_on, backward", "rate: k_on, backward", 19, "a `rate` formula is the net rate"),
    ("rate: ramp*decay", "rate: ramp*decay, forward: k_on", 20, "either a `rate` formula or the rate constant `forward`"),
    ("in: cytosol, equation: 0", "in: cytosol, on: PM, equation: 0", 20, "one of the two"),
    ("A: {in: cytosol,", "A: {", 15, "A needs a place: `in:` a compartment .bulk. or `on:` a membrane"),
    # time and observables
    ("type: amount, of: A", "type: amout, of: A", 34, r"'amout' is not a type of observable; did you mean 'amount'\?"),
    ("reduce: peak", "reduce: top", 35, "is not a way to make one number"),
    ("{type: area, on: PM}", "3", 37, "`type: …` and what it is about"),
    ("{type: area, on: PM}", "{type: concentration, of: A}", 37, "the key 'at' is missing"),
    ("{type: area, on: PM}", "{type: conductance, of: A, from: PM}", 37, "the key 'to' is missing"),
    # shapes of sections
    ("  PM: {facets: [PM, PSD]}", "  PM: {facets: []}", 6, "at least one name is needed"),
    ("  cytosol: {region: [cytosol, spine]}", "  cytosol: 3", 4, r"`key: value` lines are needed here \(region\)"),
]


@pytest.mark.parametrize(("old", "new", "line", "message"), MISTAKES, ids=[f"{line}-{new[:40]}" for _, new, line, _ in MISTAKES])
def test_mistakes_are_named_with_file_line_and_key(old, new, line, message):
    with pytest.raises(SimulationError, match=rf"^model\.yaml:{line}: .*{message}"):
        read(changed(old, new))


@pytest.mark.parametrize(
    ("begin", "message"),
    [
        ("observables:\n", "a list of at least one observable is needed"),
        ("time:\n", "a time course needs `time:`"),
    ],
)
def test_a_model_without_a_needed_section_is_refused(begin, message):
    head, tail = GOOD.split(begin)
    rest = "observables: []\n" if begin == "observables:\n" else tail[tail.index("observables:") :]
    with pytest.raises(SimulationError, match=message):
        read(head + rest)


def test_a_steady_state_has_no_peak():
    head, tail = GOOD.split("time:\n")
    text = head.replace("exp(-k_off*t)", "1") + "steady: true\n" + tail[tail.index("observables:") :]
    with pytest.raises(SimulationError, match="a steady state has no peak; leave it out"):
        read(text)
    assert read(text.replace(", reduce: peak", "")).steady


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "this one is empty"),
        ("A cell binds a ligand.", "this one is plain text"),
        ("- a\n- b", "this one is a list of items"),
        ("7", "this one is the single value 7"),
        ("species: {}\nobservables: [{type: volume}]\n", "at least one species"),
        ("species: [A]\nobservables: [{type: volume}]\n", "`name: entry` lines are needed here"),
        ("species: {A: {in: '*'}}\n", "the key 'observables' is missing"),
        ("species: {A: {in: '*'}}\nobservables: []\n", "at least one observable"),
        ("species: {A: {in: '*'}}\nobservables: [{type: volume}]\nreactions: {a: 1}\n", "a list of entries"),
        ("species: {A: {in: '*'}, B: {in: er}}\nobservables: [{type: volume}]\n", "all regions"),
        ("species: {A: {in: m}, B: {on: m}}\nobservables: [{type: volume}]\n", "'m' is a compartment .* and a membrane"),
        ("a: &a [1, *a]\n", "an alias stands for a whole section"),
        ("a: &a [x]\nb: [*a, *a]\n", "an alias stands for a whole section"),
        ("a: " + "[" * 5000 + "]" * 5000, "not a model file|not YAML"),
        ("a: " + "9" * 5000, "not a model file"),
        ("a: !!python/object/apply:os.mkdir ['made']\n", "this is not YAML"),
        ("a: !!python/name:os.system\n", "this is not YAML"),
        ("a: b: c\n", "this is not YAML"),
        ("\0", "this is not YAML"),
        ("? [a]\n: 1\n", "this is not YAML"),
    ],
)
def test_what_is_no_model_is_refused(text, message):
    with pytest.raises(SimulationError, match=message):
        read(text)


def test_code_in_a_model_is_not_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for text in ("a: !!python/object/apply:os.mkdir ['made']\n", changed("forward: k_on", "forward: __import__('os').mkdir('made')")):
        with pytest.raises(SimulationError):
            read(text)
    assert not (tmp_path / "made").exists()


def test_files_that_cannot_be_read_say_so(tmp_path):
    with pytest.raises(FileError, match="cannot be read"):
        load_model(tmp_path)
    with pytest.raises(FileError, match="cannot be read"):
        load_model(tmp_path / "none.yaml")
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(FileError, match="cannot be read"):
        load_model(tmp_path / "binary.yaml")


def test_any_line_left_out_or_cut_short_is_read_or_refused_with_a_message():
    lines = GOOD.splitlines()
    for number, line in enumerate(lines):
        for shorter in ([], [line[: len(line) // 2]], [line.replace("{", "[").replace("}", "]")], [line.replace(":", "")], ["x: " + line]):
            try:
                read("\n".join([*lines[:number], *shorter, *lines[number + 1 :]]) + "\n")
            except CellmlError as error:
                assert str(error).startswith("model.yaml:")


def test_a_file_far_too_large_is_refused_by_its_size(tmp_path):
    (tmp_path / "m.yaml").write_bytes(b"# a mesh\n" * 200_000)
    with pytest.raises(FileError, match=r"m\.yaml has 1\.8 MB, but model files have a few kB, and none above 1\.0 MB is read"):
        load_model(tmp_path / "m.yaml")


def test_a_negative_formula_is_told_with_its_constants():
    text = "\n".join(
        (
            "parameters: {a: {value: 1, unit: uM}, b: {value: 2, unit: uM}}",
            "species: {A: {in: cytosol, initial: a - b}}",
            "observables: [{type: volume}]",
        )
    )
    with pytest.raises(SimulationError, match=r"but `a - b` is -602.214 in molecules, µm and s where a = 1 uM, b = 2 uM"):
        parse_model(text, Path("m.yaml"))
