# The verbs that the leaf CMakeLists use, and the compile settings they share.

set(CMAKE_CXX_STANDARD 17)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/lib")
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/bin")
set(CMAKE_INSTALL_RPATH "$ORIGIN/../${CMAKE_INSTALL_LIBDIR}" "${LLVM_LIBRARY_DIR}")
set(LLVM_RUNTIME_OUTPUT_INTDIR "${CMAKE_RUNTIME_OUTPUT_DIRECTORY}")
set(LLVM_LIBRARY_OUTPUT_INTDIR "${CMAKE_LIBRARY_OUTPUT_DIRECTORY}")
if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()

set(CMAKE_CXX_FLAGS_RELEASE "-O2 -DNDEBUG")

find_program(CCACHE ccache)
if(CCACHE)
  # These let ccache work with the precompiled header, and take dependencies from
  # the compiler instead of preprocessing every source once more.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_DEPEND=1
    CCACHE_SLOPPINESS=pch_defines,time_macros "${CCACHE}")
  if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
    add_compile_options("SHELL:-Xclang -fno-pch-timestamp")
  endif()
endif()

include_directories(SYSTEM ${MLIR_INCLUDE_DIRS} ${LLVM_INCLUDE_DIRS})
include_directories("${PROJECT_SOURCE_DIR}/include" "${PROJECT_BINARY_DIR}/include")

add_library(quantc_compile_options INTERFACE)
# A fused multiply-add is written where the numeric contract has one and nowhere
# else, so the compiler must not form its own.
target_compile_options(quantc_compile_options INTERFACE
  -Wall -Wextra -Wno-unused-parameter -ffp-contract=off)

# add_quantc_library(<name> <sources>... [NO_MLIR] [DEPENDS <targets>...])
# One component of libQuantc. Parsing MLIR's headers costs more than compiling
# our code, so components share one precompiled header; NO_MLIR leaves it out
# and keeps a component free of MLIR. All generated headers are made first.
function(add_quantc_library name)
  cmake_parse_arguments(ARG "NO_MLIR" "" "DEPENDS;LINK_LIBS" ${ARGN})
  add_library(${name} OBJECT ${ARG_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PUBLIC quantc_compile_options ${ARG_LINK_LIBS})
  if(NOT ARG_NO_MLIR)
    if(NOT TARGET QuantcPrecompiled)
      _add_quantc_precompiled_header()
    endif()
    target_precompile_headers(${name} REUSE_FROM QuantcPrecompiled)
  endif()
  if(NOT ARG_NO_MLIR)
    get_property(generated GLOBAL PROPERTY QUANTC_TABLEGEN_TARGETS)
    add_dependencies(${name} ${generated} ${ARG_DEPENDS})
  endif()
  set_property(GLOBAL APPEND PROPERTY QUANTC_COMPONENTS ${name})
  set_property(GLOBAL APPEND PROPERTY QUANTC_LINK_LIBS ${ARG_LINK_LIBS})
endfunction()

function(_add_quantc_precompiled_header)
  file(WRITE "${PROJECT_BINARY_DIR}/Precompiled.cpp" "// Holds the precompiled header.\n")
  add_library(QuantcPrecompiled OBJECT "${PROJECT_BINARY_DIR}/Precompiled.cpp")
  target_link_libraries(QuantcPrecompiled PUBLIC quantc_compile_options)
  # One of the headers is generated from the operations.
  get_property(generated GLOBAL PROPERTY QUANTC_TABLEGEN_TARGETS)
  add_dependencies(QuantcPrecompiled ${generated})
  target_precompile_headers(QuantcPrecompiled PRIVATE
    <mlir/Dialect/Affine/IR/AffineOps.h>
    <mlir/Dialect/Arith/IR/Arith.h>
    <mlir/Dialect/Func/IR/FuncOps.h>
    <mlir/Dialect/LLVMIR/LLVMDialect.h>
    <mlir/Dialect/Linalg/IR/Linalg.h>
    <mlir/Dialect/Math/IR/Math.h>
    <mlir/Dialect/MemRef/IR/MemRef.h>
    <mlir/Dialect/Quant/IR/Quant.h>
    <mlir/Dialect/SCF/IR/SCF.h>
    <mlir/Dialect/Tensor/IR/Tensor.h>
    <mlir/Dialect/Vector/IR/VectorOps.h>
    <mlir/IR/Builders.h>
    <mlir/IR/Matchers.h>
    <mlir/IR/PatternMatch.h>
    <mlir/Pass/Pass.h>
    <mlir/Pass/PassManager.h>
    <mlir/Transforms/GreedyPatternRewriteDriver.h>
    "${PROJECT_SOURCE_DIR}/include/quantc/Dialect/Quant/IR/QuantOps.h")
  set_property(GLOBAL APPEND PROPERTY QUANTC_COMPONENTS QuantcPrecompiled)
endfunction()

# add_quantc_tablegen(<target> <file.td> <generator flag> <output> ...)
# Runs mlir-tblgen once for each (flag, output) pair.
function(add_quantc_tablegen target td)
  set(LLVM_TARGET_DEFINITIONS ${td})
  set(pairs ${ARGN})
  while(pairs)
    list(POP_FRONT pairs flag output)
    mlir_tablegen(${output} ${flag})
  endwhile()
  add_public_tablegen_target(${target})
  set_property(GLOBAL APPEND PROPERTY QUANTC_TABLEGEN_TARGETS ${target})
endfunction()

# add_quantc_passes(<name> <Passes.td>)
# Declarations, registration and manual of the passes of a component: the target
# Quantc<name>PassesIncGen, the function register<name>Passes().
function(add_quantc_passes name td)
  set(LLVM_TARGET_DEFINITIONS ${td})
  mlir_tablegen(Passes.h.inc -gen-pass-decls -name=${name})
  add_public_tablegen_target(Quantc${name}PassesIncGen)
  set_property(GLOBAL APPEND PROPERTY QUANTC_TABLEGEN_TARGETS Quantc${name}PassesIncGen)
  add_quantc_doc(${td} ${name}Passes -gen-pass-doc)
endfunction()

# add_quantc_doc(<file.td> <output name> <generator flag>...)
function(add_quantc_doc td output)
  set(LLVM_TARGET_DEFINITIONS ${td})
  tablegen(MLIR ${output}.md ${ARGN} "-I${MLIR_MAIN_SRC_DIR}" "-I${MLIR_INCLUDE_DIR}")
  set(GENERATED "${PROJECT_BINARY_DIR}/docs/${output}.md")
  add_custom_command(OUTPUT ${GENERATED}
    COMMAND ${CMAKE_COMMAND} -E copy "${CMAKE_CURRENT_BINARY_DIR}/${output}.md" ${GENERATED}
    DEPENDS "${CMAKE_CURRENT_BINARY_DIR}/${output}.md")
  add_custom_target(${output}DocGen DEPENDS ${GENERATED})
  if(NOT TARGET quantc-doc)
    add_custom_target(quantc-doc)
  endif()
  add_dependencies(quantc-doc ${output}DocGen)
endfunction()

# add_quantc_tool(<name> <sources>...)
function(add_quantc_tool name)
  add_executable(${name} ${ARGN})
  target_link_libraries(${name} PRIVATE quantc_compile_options Quantc)
  install(TARGETS ${name} EXPORT QuantcTargets RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endfunction()

# add_quantc_unittest(<name> <sources>...)
function(add_quantc_unittest name)
  cmake_parse_arguments(ARG "" "" "LINK_LIBS" ${ARGN})
  add_executable(${name} EXCLUDE_FROM_ALL ${ARG_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PRIVATE quantc_compile_options Quantc GTest::gtest_main)
  set_target_properties(${name} PROPERTIES
    RUNTIME_OUTPUT_DIRECTORY "${CMAKE_CURRENT_BINARY_DIR}")
  add_dependencies(QuantcUnitTests ${name})
endfunction()
