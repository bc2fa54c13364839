# SPDX-License-Identifier: Apache-2.0
# tests/<folder>/ mirrors the tree. Its *_test.cc files and the other .cc beside them become one
# gtest program, <folder>_test (nested folders joined with _), with that folder as its ctest label.
# Files named *grpc*_test.cc become a second one, <folder>_grpc_test, labelled grpc, because
# ThreadSanitizer cannot see into the packaged gRPC.

include(GoogleTest)
set(CMAKE_GTEST_DISCOVER_TESTS_DISCOVERY_MODE PRE_TEST)
set(TRIDENT_TEST_TIMEOUT_S 900)
set(TRIDENT_TEST_OPTIONS $<$<CONFIG:RelWithDebInfo>:-O1>)
set(TRIDENT_TESTS_DIR "${CMAKE_SOURCE_DIR}/tests")
get_property(trident_libraries GLOBAL PROPERTY TRIDENT_LIBRARIES)
get_property(trident_examples GLOBAL PROPERTY TRIDENT_EXAMPLES)

# What each test program gets: gtest, and tests/support.
add_library(trident_test_base INTERFACE)
target_link_libraries(trident_test_base INTERFACE
  trident_base GTest::gtest GTest::gmock Threads::Threads)
trident_library(test_support FROM tests/support DEPENDS test_base API RocksDB::rocksdb-shared)
set_source_files_properties("${TRIDENT_TESTS_DIR}/support/paths.cc" PROPERTIES COMPILE_DEFINITIONS
  "TRIDENT_SOURCE_DIR=\"${CMAKE_SOURCE_DIR}\";TRIDENT_BINARY_DIR=\"${CMAKE_BINARY_DIR}\"")

# Every library, and the packages behind them to test their edges.
add_library(trident_everything INTERFACE)
target_link_libraries(trident_everything INTERFACE
  trident_test_support trident_test_base ${trident_libraries} RocksDB::rocksdb-shared CLI11::CLI11)

# tests/<folder> links the library of the folder that it mirrors, or of the nearest one above, and
# what that depends on; so a folder's tests show that it needs no more. Those that mirror no folder
# (sim, kill, ...), and those of what stands on top, link everything.
function(trident_libraries_tested out folder)
  set(${out} trident_everything PARENT_SCOPE)
  if(folder STREQUAL "tidy")
    set(${out} trident_test_support trident_test_base PARENT_SCOPE)
  endif()
  if(folder STREQUAL "protocol_model")
    set(${out} trident_test_support trident_test_base trident_coordinator_epochs
        trident_coordinator_protocol PARENT_SCOPE)
  endif()
  if(NOT folder MATCHES "^(base|proto|state|engine|coordinator/(protocol|cluster))(/|$)")
    return()
  endif()
  while(folder)
    string(REPLACE "/" "_" library "${folder}")
    if(TARGET trident_${library})
      set(${out} trident_test_support trident_${library} PARENT_SCOPE)
      return()
    endif()
    cmake_path(GET folder PARENT_PATH folder)
  endwhile()
endfunction()

function(trident_test_program name)
  cmake_parse_arguments(arg "" "LABEL" "SOURCES;LINK" ${ARGN})
  trident_executable(${name} ${arg_SOURCES})
  set_target_properties(${name} PROPERTIES
    RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/tests")
  target_link_libraries(${name} PRIVATE ${arg_LINK} GTest::gtest_main)
  # What a test itself does is little; to optimize it fully takes a third of its compile time.
  target_compile_options(${name} PRIVATE ${TRIDENT_TEST_OPTIONS})
  trident_precompile(${name} trident_precompiled_tests)
  if(NOT TRIDENT_LINT)
    gtest_discover_tests(${name}
      WORKING_DIRECTORY "${CMAKE_SOURCE_DIR}"
      DISCOVERY_TIMEOUT 60
      PROPERTIES TIMEOUT ${TRIDENT_TEST_TIMEOUT_S} LABELS ${arg_LABEL})
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
    trident_libraries_tested(libraries "${name}")
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
      trident_test_program(${name}_test LABEL ${name} SOURCES ${plain} ${helpers}
                           LINK ${libraries})
    endif()
    if(over_grpc)
      trident_test_program(${name}_grpc_test LABEL grpc SOURCES ${over_grpc} ${helpers}
                           LINK ${libraries})
    endif()
  endforeach()
endfunction()

# tests/bench/*.cc is one program, build/bench, that no test needs; `make bench` builds and runs it.
function(trident_bench_program)
  file(GLOB sources CONFIGURE_DEPENDS "${TRIDENT_TESTS_DIR}/bench/*.cc")
  list(FILTER sources EXCLUDE REGEX "_test\\.cc$")
  if(sources)
    trident_executable(bench ${sources})
    set_target_properties(bench PROPERTIES EXCLUDE_FROM_ALL TRUE)
    target_link_libraries(bench PRIVATE trident_everything)
  endif()
endfunction()

# tests/fuzz/<name>_fuzz.cc defines LLVMFuzzerTestOneInput; its helpers are tests/fuzz/<name>_*.cc.
# The fuzz preset links libFuzzer; every other build links a main that replays the seeds in
# tests/fuzz/corpus/<name>/, and ctest runs it.
function(trident_fuzz_programs)
  file(GLOB sources CONFIGURE_DEPENDS "${TRIDENT_TESTS_DIR}/fuzz/*_fuzz.cc")
  foreach(source IN LISTS sources)
    cmake_path(GET source STEM target)
    string(REGEX REPLACE "_fuzz$" "" name "${target}")
    file(GLOB parts CONFIGURE_DEPENDS "${TRIDENT_TESTS_DIR}/fuzz/${name}_*.cc")
    if(TRIDENT_FUZZ)
      trident_executable(${target} ${parts})
      target_link_options(${target} PRIVATE -fsanitize=fuzzer)
    else()
      trident_executable(${target} ${parts} "${TRIDENT_TESTS_DIR}/fuzz/replay.cc")
    endif()
    set_target_properties(${target} PROPERTIES
      RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/fuzz")
    target_link_libraries(${target} PRIVATE trident_everything)
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

# What a folder of tests needs beyond its test program.
file(GLOB extras CONFIGURE_DEPENDS "${TRIDENT_TESTS_DIR}/*/extra.cmake")
foreach(extra IN LISTS extras)
  include("${extra}")
endforeach()

# Tests that run programs instead of linking libraries.
foreach(name IN ITEMS kill cli examples)
  if(TARGET ${name}_test)
    add_dependencies(${name}_test ${trident_examples})
    if(TARGET trident_command)
      add_dependencies(${name}_test trident_command)
    endif()
  endif()
endforeach()

include(compile_fail)

if(TARGET demo AND CMAKE_GENERATOR STREQUAL Ninja AND NOT TRIDENT_LINT)
  add_test(NAME tidy.TheDemoBuildsWhatItNeedsAndNothingElse
    COMMAND "${CMAKE_COMMAND}" "-DNINJA=${CMAKE_MAKE_PROGRAM}" "-DBUILD=${CMAKE_BINARY_DIR}"
            -DOBJECTS_MAX=150 -P "${CMAKE_SOURCE_DIR}/cmake/demo_case.cmake")
  set_tests_properties(tidy.TheDemoBuildsWhatItNeedsAndNothingElse PROPERTIES
    LABELS tidy TIMEOUT 60)
endif()

if(TRIDENT_INSTALL AND NOT TRIDENT_LINT)
  function(trident_install_test case)
    add_test(NAME install.${case}
      COMMAND "${CMAKE_COMMAND}" "-DCASE=${case}" "-DBUILD=${CMAKE_BINARY_DIR}"
              "-DSOURCE=${CMAKE_SOURCE_DIR}" "-DWORK=${CMAKE_BINARY_DIR}/install_test"
              -P "${CMAKE_SOURCE_DIR}/cmake/install_case.cmake")
    set_tests_properties(install.${case} PROPERTIES
      LABELS install TIMEOUT ${TRIDENT_TEST_TIMEOUT_S} ${ARGN})
  endfunction()
  trident_install_test(prefix FIXTURES_SETUP installed_prefix)
  trident_install_test(consumer FIXTURES_REQUIRED installed_prefix)
  trident_install_test(headers FIXTURES_REQUIRED installed_prefix PROCESSORS 2)
  trident_install_test(templates FIXTURES_REQUIRED installed_prefix PROCESSORS 2)
endif()
