"""Configuration of lit for quantc. Run through `./dev test`, or by hand:

    lit -v build/test            # everything
    lit -v build/test --filter fold-weights

QUANTC_VERIFY_ROUNDTRIP=1 makes every quant-opt also check that its output
parses to the same IR.
"""

import os
import shutil
import sys

import lit.formats

config.name = "quantc"
config.test_format = lit.formats.ShTest(True)
config.suffixes = [".mlir", ".test"]
config.test_source_root = os.path.join(config.source_root, "test")
config.test_exec_root = os.path.join(config.build_root, "test")
config.excludes = ["Inputs", "CMakeLists.txt", "lit.cfg.py", "consumer", "python"]

config.environment["PATH"] = os.pathsep.join(
    [os.path.join(config.build_root, "bin"), config.llvm_tools_dir, os.environ["PATH"]]
)

# The number of random networks; 300 takes minutes.
num_networks = int(os.environ.get("QUANTC_SWEEP", "32"))

quant_opt = os.path.join(config.build_root, "bin", "quant-opt")
if os.environ.get("QUANTC_VERIFY_ROUNDTRIP"):
    quant_opt += " --verify-roundtrip"
config.substitutions += [
    (r"\bquant-opt\b", quant_opt),
    ("%quantc_lib", os.path.join(config.build_root, "lib", "libQuantc.so")),
    ("%source_root", config.source_root),
    ("%build_root", config.build_root),
    ("%cmake", config.cmake),
    ("%python", sys.executable),
    ("%half_sweep", str(num_networks // 2)),
    ("%layer_sweep", str(num_networks)),
    ("%cxx", config.cxx),
    ("%cc", config.c),
    ("%mlir_dir", config.mlir_dir),
]

# An instruction set that this machine lacks is a skip that the count shows.
with open("/proc/cpuinfo", encoding="utf-8") as cpuinfo:
    flags = set(cpuinfo.read().split())
for feature in ("avx2", "avx512_vnni", "avx_vnni", "amx_int8"):
    if feature in flags:
        config.available_features.add(feature)
if shutil.which("qemu-x86_64"):
    config.available_features.add("qemu-x86_64")
if shutil.which("qemu-aarch64") and shutil.which("aarch64-linux-gnu-gcc"):
    config.available_features.add("aarch64")
