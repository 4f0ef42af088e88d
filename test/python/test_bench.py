"""The parts of the benchmark that need no peer."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from bench import isolation
from bench.limits import Level, Limits
from bench.problem import Problem, write_problem
from bench.results import Result, compare, get_geometric_mean
from bench.workloads import REAL_MODELS, TITLES, Case, list_cases
from real_models.model import get_neighbour_agreement, score
from real_models.suite import MODELS

BENCHMARK = Path(__file__).resolve().parents[2] / "benchmark"

LIMITS = Limits(
    {"AMX tdpbssd": 8000.0, "AVX-512 VNNI vpdpbusd zmm": 1000.0, "FMA ymm": 100.0},
    [Level("L1", 32 << 10, 400.0), Level("L2", 1 << 20, 200.0), Level("memory", 0, 10.0)],
)


def test_quick_cases_are_some_of_all():
    every = list_cases(TITLES)
    quick = list_cases(TITLES, quick=True)
    assert set(quick) < set(every)
    assert {case.workload for case in quick} == set(TITLES)
    assert len({(case.workload, case.name) for case in every}) == len(every)


def test_shapes_are_taken_with_every_group_size():
    assert list_cases(["W1"], [(2, 64, 48)]) == [Case("W1", 2, 64, 48)]
    assert [case.group_size for case in list_cases(["W3"], [(2, 256, 48)])] == [32, 128]


@pytest.mark.parametrize("case", list_cases(["W1", "W2", "W4"], [(2, 64, 48)]))
def test_problems_expect_their_own_values(case: Case, tmp_path: Path):
    write_problem(case, tmp_path)
    problem = Problem(case, tmp_path)
    reference = problem["input"] @ problem["weight"].T + problem["bias"]
    assert problem["expected"] == pytest.approx(reference, abs=0.02 * float(abs(reference).max()))


def test_limit_is_the_longer_of_computing_and_reading():
    # 2 * 4096 operations a row; 4096 bytes of weights lie in L1.
    wide = Case("W1", 4096, 64, 64)
    assert LIMITS.get_seconds(wide, amx=True) == pytest.approx(wide.operations / 8e12)
    assert LIMITS.get_seconds(wide, amx=False) == pytest.approx(wide.operations / 1e12)
    assert LIMITS.get_seconds(Case("W1", 1, 4096, 4096), amx=True) == pytest.approx(4096**2 / 10e9)
    assert LIMITS.get_seconds(Case("W4", 64, 64, 64), amx=True) == pytest.approx(64**3 * 2 / 1e11)


def test_comparison_takes_the_fastest_of_each_side():
    case, float_case = Case("W1", 1, 64, 64), Case("W4", 1, 64, 64)
    results = [
        Result(case, "quantc", "static", True, 2.0, 0.0),
        Result(case, "torch", "slow", True, 9.0, 0.0),
        Result(case, "litert", "fast", True, 3.0, 0.0),
        Result(float_case, "openvino", "bf16", True, 4.0, 0.0),
        Result(float_case, "openvino", "f32", True, 8.0, 0.0),
    ]
    (row,) = compare(results, "W1", LIMITS)
    assert row.peer is results[2]
    assert row.ratio == 1.5
    assert row.float_ratio == 4.0


def test_geometric_mean_leaves_out_what_is_missing():
    assert get_geometric_mean([2.0, None, 8.0]) == pytest.approx(4.0)
    assert get_geometric_mean([None]) is None


def test_real_models_are_those_of_the_suite():
    assert tuple(MODELS) == REAL_MODELS
    cases = list_cases(["W7"])
    assert len(cases) == 2 * len(MODELS)
    assert LIMITS.get_seconds(cases[0], amx=True) == 0
    (row,) = compare([Result(cases[0], "quantc", "INT8", True, 1.0, 0.0)], "W7", LIMITS)
    assert row.limit is None


def test_scores():
    expected = np.array([[3.0, 4.0], [1.0, 0.0]])
    assert score("accuracy", expected, expected, np.array([1, 1])) == 0.5
    assert score("agreement", expected[:, ::-1], expected) == 0
    assert score("cosine", 2 * expected, expected) == pytest.approx(1)
    # A tenth of everything is lost.
    assert score("snr", 0.9 * expected, expected) == pytest.approx(20)
    assert get_neighbour_agreement(2 * expected, expected) == 1


@pytest.mark.skipif(not isolation.has_amx(), reason="needs AMX")
def test_amx_can_be_hidden():
    code = "from bench import isolation; isolation.deny_amx(); print(isolation.request_amx())"
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=BENCHMARK, capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "False"
