"""The command `cellml VERB [overrides]`.

Nothing heavy is imported before the configuration is composed: `cellml --help` costs milliseconds, a mistyped override less than a second.
"""

from __future__ import annotations

import errno
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from importlib import import_module
from typing import Any

from cellml.termination import Terminated, termination_as_interrupt
from cellml.verbs import VERBS

# Only training makes a run folder; the other verbs write where they are told.
_NO_RUN_FOLDER = ("hydra.run.dir=.", "hydra.output_subdir=null", "hydra/job_logging=stdout")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb. Returns 0, or 2 for an error that the user can cure, printed as one paragraph (a traceback with CELLML_DEBUG=1).

    130 after Ctrl-C, 143 after SIGTERM. While networks train, Lightning and the periodic checkpoints answer SIGTERM instead.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    if not words or words[0] in ("-h", "--help", "help"):
        print(_help())
        return 0
    if words[0] in ("-V", "--version"):
        from cellml import __version__

        print(f"cellml {__version__}")
        return 0
    verb, overrides = words[0], words[1:]
    if verb not in VERBS:
        from difflib import get_close_matches

        near = get_close_matches(verb, VERBS, n=1)
        print(f"cellml: there is no verb {verb!r}{f'; did you mean {near[0]!r}?' if near else ''}\n\n{_help()}", file=sys.stderr)
        return 2
    if "--help" in overrides or "-h" in overrides:
        from cellml.help import verb_help

        print(verb_help(verb, VERBS[verb].summary))
        return 0
    try:
        with nullcontext() if verb == "train" else termination_as_interrupt():
            run_verb(verb, overrides)
    except KeyboardInterrupt as stop:
        ended = isinstance(stop, Terminated)
        what = "ended by SIGTERM" if ended else "interrupted"
        print(f"\ncellml: {what}; what was finished is kept, nothing half-written remains.", file=sys.stderr)
        return 128 + (signal.SIGTERM if ended else signal.SIGINT)
    except Exception as error:
        if os.environ.get("CELLML_DEBUG") == "1" or not _is_users(error):
            raise
        print(f"cellml {verb}: {_message(error, verb)}", file=sys.stderr)
        return 2
    return 0


def run_verb(verb: str, overrides: Sequence[str]) -> Any:
    """Compose the verb's configuration from overrides and Hydra flags, call its function and return the result of a single job."""
    import hydra

    from cellml.config import conf_dir, experiment_file, group_choices, quote_paths
    from cellml.hydra_job import in_sweep

    overrides = group_choices(verb, experiment_file(overrides) if verb == "train" else overrides)
    entry = VERBS[verb]
    outcome: dict[str, Any] = {}
    os.environ.setdefault("HYDRA_FULL_ERROR", "1")  # errors reach main() instead of being printed by Hydra

    @hydra.main(version_base="1.3", config_path=str(conf_dir()), config_name=verb)
    def job(config: Any) -> Any:
        sys.argv = saved  # processes that training starts repeat the command as it was given
        try:
            outcome["value"] = _call(verb, config)
            return outcome["value"] if isinstance(outcome["value"], float | int) else None
        except Exception as error:
            if in_sweep() or not _is_users(error):
                raise
            outcome["error"] = error
            return None

    words = [f"hydra.job.name=cellml_{verb}", *(() if entry.whole else _NO_RUN_FOLDER)]
    fixed = [o for o in words if not any(w.startswith(o.split("=")[0] + "=") for w in overrides)]
    saved, sys.argv = sys.argv, [f"cellml-{verb}", *_flags_first(fixed, quote_paths(overrides))]
    try:
        job()
    finally:
        sys.argv = saved
    if "error" in outcome:
        raise outcome["error"]
    return outcome.get("value")


def _flags_first(fixed: Sequence[str], words: Sequence[str]) -> list[str]:
    """Flags and their values before all overrides, for Hydra's parser refuses overrides on both sides of a flag such as --multirun."""
    valued = ("--config-path", "-cp", "--config-name", "-cn", "--config-dir", "-cd", "--package", "-p", "--experimental-rerun")
    overrides = [i for i, w in enumerate(words) if w[:1] != "-" and ("=" in w or w[:1] == "~") and (i == 0 or words[i - 1] not in valued)]
    return [*(w for i, w in enumerate(words) if i not in overrides), *fixed, *(words[i] for i in overrides)]


def _call(verb: str, config: Any) -> Any:
    from cellml.config import plain

    entry = VERBS[verb]
    arguments = None if entry.whole else plain(config, verb)
    module, _, name = entry.target.partition(":")
    function = getattr(import_module(module), name)
    if arguments is None:
        return function(config)
    from cellml.arguments import check_arguments

    check_arguments(function, arguments, verb)
    return function(**arguments)


def _is_users(error: BaseException) -> bool:
    """Whether the user can cure it: bad input, a wrong configuration, a full disk; found behind what Hydra wraps around it too."""
    from cellml.errors import CellmlError

    if isinstance(error, CellmlError) or (isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)):
        return True
    names = {f"{kind.__module__}.{kind.__name__}" for kind in type(error).__mro__}
    if {"hydra.errors.HydraException", "omegaconf.errors.OmegaConfBaseException"} & names:
        cause = error.__cause__
        return cause is None or _is_users(cause) or any(k.__module__.startswith(("hydra", "omegaconf")) for k in type(cause).__mro__)
    return False


def _message(error: BaseException, verb: str) -> str:
    from cellml.errors import CellmlError

    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, CellmlError):
        cause = cause.__cause__
    return _with_options(str(cause if cause is not None else error).strip(), verb)


def _with_options(message: str, verb: str) -> str:
    """Hydra's "Could not find 'group/choice'" with the choices there are, instead of its search path."""
    import re

    from cellml.config import conf_dir

    missing = re.match(r"(?:In '[^']*': )?Could not find '([^']+)'", message)
    unknown = re.search(r"Could not override '([^']+)'", message)
    if unknown is not None and VERBS[verb].whole is False:
        from difflib import get_close_matches

        keys = re.findall(r"^(\w+):", (conf_dir() / f"{verb}.yaml").read_text(encoding="utf-8"), flags=re.MULTILINE)
        near = get_close_matches(unknown[1], keys, n=1)
        return f"{message}\nDid you mean {near[0]}?" if near else f"{message}\nThe verb {verb} knows {', '.join(keys)}."
    if missing is None:
        return message
    choices: list[str] = []
    group = missing[1].rpartition("/")[0]
    while group and not choices:
        choices = sorted(str(p.relative_to(conf_dir()).with_suffix("")) for p in (conf_dir() / group).rglob("*.yaml"))
        group = group.rpartition("/")[0]
    if missing[1].startswith("hydra/"):
        return f"There is no configuration {missing[1]!r}. Launchers and sweepers of sweeps need the extra: pip install 'cellml[sweep]'."
    known = f" There are: {', '.join(choices)}; or add a folder of your own with --config-dir." if choices else ""
    return f"There is no configuration {missing[1]!r}.{known}"


def _help() -> str:
    width = max(len(name) for name in VERBS)
    verbs = "\n".join(f"  {name:{width}}  {verb.summary}\n  {'':{width}}    {verb.example}" for name, verb in VERBS.items())
    return (
        "cellml: from electron-microscopy volumes to simulated physical answers\n\n"
        f"usage: cellml VERB [key=value ...]\n\n{verbs}\n\n"
        "  cellml VERB --help       what can be set, and its values\n"
        "  cellml VERB --cfg job    the composed configuration\n"
        "  cellml --version\n\n"
        "Errors you can cure end with code 2 and one paragraph; CELLML_DEBUG=1 adds the traceback."
    )


if __name__ == "__main__":
    sys.exit(main())
