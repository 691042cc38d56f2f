"""The environment of processes that read documents: what they need to run, and no secrets.

Documents are untrusted input: a parser that one of them takes over should find no keys. So these are the variables that
it gets, not those that it does not get. Imports next to nothing: parsers are started before anything else.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

#: Names of further variables, separated by commas or spaces: for a plugin whose reader needs one of its own.
PASSED = "RAGSYS_PASS_ENV"

_SYSTEM = """
PATH HOME USER LOGNAME SHELL LANG LANGUAGE TZ TZDIR TMPDIR TMP TEMP TERM
LD_LIBRARY_PATH LD_PRELOAD DYLD_LIBRARY_PATH DYLD_FALLBACK_LIBRARY_PATH DYLD_INSERT_LIBRARIES LOCPATH
NIX_LD NIX_LD_LIBRARY_PATH
XDG_CACHE_HOME XDG_CONFIG_HOME XDG_DATA_HOME XDG_DATA_DIRS XDG_CONFIG_DIRS XDG_RUNTIME_DIR
FONTCONFIG_FILE FONTCONFIG_PATH
SYSTEMROOT SYSTEMDRIVE WINDIR COMSPEC PATHEXT APPDATA LOCALAPPDATA PROGRAMDATA PROGRAMFILES USERPROFILE USERNAME
HOMEDRIVE HOMEPATH NUMBER_OF_PROCESSORS PROCESSOR_ARCHITECTURE OS
"""
_PYTHON = """
PYTHONPATH PYTHONHOME PYTHONUTF8 PYTHONIOENCODING PYTHONDONTWRITEBYTECODE PYTHONPYCACHEPREFIX PYTHONHASHSEED
PYTHONNOUSERSITE PYTHONUSERBASE PYTHONSAFEPATH PYTHONFAULTHANDLER PYTHONMALLOC PYTHONWARNINGS PYTHONDEVMODE
PYTHONOPTIMIZE PYTHONPLATLIBDIR VIRTUAL_ENV CONDA_PREFIX __PYVENV_LAUNCHER__
"""
_LIBRARIES = """
TESSDATA_PREFIX ORT_LOGGING_LEVEL VECLIB_MAXIMUM_THREADS NUMEXPR_NUM_THREADS NUMEXPR_MAX_THREADS
HF_HOME HF_HUB_CACHE HF_HUB_OFFLINE HF_ENDPOINT HUGGINGFACE_HUB_CACHE TRANSFORMERS_CACHE TRANSFORMERS_OFFLINE
CUDA_VISIBLE_DEVICES CUDA_DEVICE_ORDER CUDA_HOME CUDA_PATH NVIDIA_VISIBLE_DEVICES HIP_VISIBLE_DEVICES
SSL_CERT_FILE SSL_CERT_DIR REQUESTS_CA_BUNDLE CURL_CA_BUNDLE
"""
_OURS = "RAGSYS_HOME RAGSYS_CONFIG RAGSYS_DEBUG"
_NAMES = frozenset(f"{_SYSTEM} {_PYTHON} {_LIBRARIES} {_OURS} {PASSED}".split())
#: Families of settings that hold numbers and words: locales, threads, memory.
_FAMILIES = ("LC_", "OMP_", "GOMP_", "KMP_", "MKL_", "OPENBLAS_", "GOTO_", "BLIS_", "MALLOC_")
_PROXIES = frozenset({"http_proxy", "https_proxy", "all_proxy", "no_proxy"})


def without_secrets(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The variables of `environment` that a process which reads documents gets."""
    passed = set(re.split(r"[,\s]+", environment.get(PASSED, "")))
    return {
        name: value
        for name, value in environment.items()
        if name in _NAMES
        or name in passed
        or name.startswith(_FAMILIES)
        or (name.lower() in _PROXIES and "@" not in value)  # before that sign: a name and a password
    }
