# Warnings that every target is built with. dev and asan presets turn them into errors.
set(IOMMUSIM_WARNINGS
	-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wstrict-prototypes
	-Wmissing-prototypes -Wold-style-definition -Wpointer-arith -Wcast-qual -Wvla -Wundef
	-Wimplicit-fallthrough)

option(IOMMUSIM_WERROR "Warnings are errors" OFF)
option(IOMMUSIM_TESTS "Build the tests (needs Check)" ON)
option(IOMMUSIM_BENCH "Build the benchmarks" ON)
set(IOMMUSIM_SANITIZE "" CACHE STRING "Sanitizers, as for -fsanitize= (address,undefined)")
option(IOMMUSIM_UCONTEXT "Switch stacks with ucontext instead of assembly (portable, slow)" OFF)
option(IOMMUSIM_FUZZ "Build the libFuzzer targets (clang only)" OFF)
