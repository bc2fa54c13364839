# SPDX-License-Identifier: Apache-2.0
# tests/<folder>/ mirrors the tree. Its *_test.cc files and the other .cc beside them become one gtest
# program, <folder>_test (nested folders joined with _), with that folder as its ctest label. Files named
# *grpc*_test.cc become a second one, <folder>_grpc_test, labelled grpc, because ThreadSanitizer cannot
# see into the packaged gRPC.

include(GoogleTest)
set(CMAKE_GTEST_DISCOVER_TESTS_DISCOVERY_MODE PRE_TEST)
set(TRIDENT_TEST_TIMEOUT_S 900)
set(TRIDENT_TESTS_DIR "${CMAKE_SOURCE_DIR}/tests")
get_property(trident_libraries GLOBAL PROPERTY TRIDENT_LIBRARIES)
get_property(trident_examples GLOBAL PROPERTY TRIDENT_EXAMPLES)

# Every test may use every library, and the packages behind them to test their edges.
add_library(trident_for_tests INTERFACE)
target_link_libraries(trident_for_tests INTERFACE
  ${trident_libraries} RocksDB::rocksdb-shared CLI11::CLI11 Threads::Threads)
target_compile_definitions(trident_for_tests INTERFACE
  TRIDENT_SOURCE_DIR="${CMAKE_SOURCE_DIR}" TRIDENT_BINARY_DIR="${CMAKE_BINARY_DIR}")

# tests/support is shared by all test programs.
trident_library(test_support FROM tests/support DEPENDS for_tests API GTest::gtest GTest::gmock)

function(trident_test_program name label)
  trident_executable(${name} ${ARGN})
  set_target_properties(${name} PROPERTIES
    RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/tests")
  target_link_libraries(${name} PRIVATE
    trident_test_support trident_for_tests GTest::gtest_main GTest::gmock)
  if(NOT TRIDENT_LINT)
    gtest_discover_tests(${name}
      WORKING_DIRECTORY "${CMAKE_SOURCE_DIR}"
      DISCOVERY_TIMEOUT 60
      PROPERTIES TIMEOUT ${TRIDENT_TEST_TIMEOUT_S} LABELS ${label})
  endif()
endfunction()

function(trident_gtest_programs)
  file(GLOB_RECURSE tests CONFIGURE_DEPENDS "${TRIDENT_TESTS_DIR}/*_test.cc")
  foreach(test IN LISTS tests)
    cmake_path(GET test PARENT_PATH folder)
    list(APPEND folders "${folder}")
  endforeach()
  list(REMOVE_DUPLICATES folders)
  foreach(folder IN LISTS folders)
    cmake_path(RELATIVE_PATH folder BASE_DIRECTORY "${TRIDENT_TESTS_DIR}" OUTPUT_VARIABLE name)
    string(REPLACE "/" "_" name "${name}")
    file(GLOB sources CONFIGURE_DEPENDS "${folder}/*.cc")
    set(helpers ${sources})
    list(FILTER helpers EXCLUDE REGEX "_test\\.cc$")
    set(plain ${sources})
    list(FILTER plain EXCLUDE REGEX "grpc[^/]*_test\\.cc$")
    list(FILTER plain INCLUDE REGEX "_test\\.cc$")
    set(over_grpc ${sources})
    list(FILTER over_grpc INCLUDE REGEX "grpc[^/]*_test\\.cc$")
    if(plain)
      trident_test_program(${name}_test ${name} ${plain} ${helpers})
    endif()
    if(over_grpc)
      trident_test_program(${name}_grpc_test grpc ${over_grpc} ${helpers})
    endif()
  endforeach()
endfunction()

# tests/bench/*.cc is one program, build/bench; `make bench` runs it.
function(trident_bench_program)
  file(GLOB sources CONFIGURE_DEPENDS "${TRIDENT_TESTS_DIR}/bench/*.cc")
  list(FILTER sources EXCLUDE REGEX "_test\\.cc$")
  if(sources)
    trident_executable(bench ${sources})
    target_link_libraries(bench PRIVATE trident_for_tests)
  endif()
endfunction()

# tests/fuzz/<name>_fuzz.cc defines LLVMFuzzerTestOneInput. The fuzz preset links libFuzzer; every other
# build links a main that replays the seeds in tests/fuzz/corpus/<name>/, and ctest runs it.
function(trident_fuzz_programs)
  file(GLOB sources CONFIGURE_DEPENDS "${TRIDENT_TESTS_DIR}/fuzz/*_fuzz.cc")
  foreach(source IN LISTS sources)
    cmake_path(GET source STEM target)
    string(REGEX REPLACE "_fuzz$" "" name "${target}")
    if(TRIDENT_FUZZ)
      trident_executable(${target} "${source}")
      target_link_options(${target} PRIVATE -fsanitize=fuzzer)
    else()
      trident_executable(${target} "${source}" "${TRIDENT_TESTS_DIR}/fuzz/replay.cc")
    endif()
    set_target_properties(${target} PROPERTIES
      RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/fuzz")
    target_link_libraries(${target} PRIVATE trident_for_tests)
    if(NOT TRIDENT_LINT)
      set(seeds "${TRIDENT_TESTS_DIR}/fuzz/corpus/${name}")
      if(TRIDENT_FUZZ)
        set(arguments -runs=0)
      else()
        set(arguments "")
      endif()
      add_test(NAME fuzz.${name} COMMAND ${target} ${arguments} "${seeds}")
      set_tests_properties(fuzz.${name} PROPERTIES TIMEOUT ${TRIDENT_TEST_TIMEOUT_S} LABELS fuzz)
    endif()
  endforeach()
endfunction()

trident_fuzz_programs()
if(TRIDENT_FUZZ)
  return()
endif()
trident_gtest_programs()
trident_bench_program()

# Tests that run programs instead of linking libraries.
foreach(name IN ITEMS kill cli examples)
  if(TARGET ${name}_test)
    add_dependencies(${name}_test ${trident_examples})
    if(TARGET trident_command)
      add_dependencies(${name}_test trident_command)
    endif()
  endif()
endforeach()
