# SPDX-License-Identifier: Apache-2.0
# Each *.mutant is one broken rule. Its copy of the source is linked before the library and so takes
# the place of the original, with the simulation's own program. `ctest -R mutation_score` builds and
# judges them; they are no part of `all`. One build says whether the rules are tested; an
# instrumented one would only take longer.
if(TRIDENT_LINT OR TRIDENT_SANITIZE)
  return()
endif()

set(model_dir "${TRIDENT_TESTS_DIR}/protocol_model")
set(mutants_dir "${CMAKE_BINARY_DIR}/protocol_mutants")
file(GLOB mutants CONFIGURE_DEPENDS "${model_dir}/mutants/*.mutant")
add_custom_target(protocol_mutants)
foreach(mutant IN LISTS mutants)
  cmake_path(GET mutant STEM name)
  file(STRINGS "${mutant}" source REGEX "^file: " LIMIT_COUNT 1)
  string(SUBSTRING "${source}" 6 -1 source)
  add_custom_command(
    OUTPUT "${mutants_dir}/${name}.cc"
    COMMAND "${CMAKE_COMMAND}" "-DSOURCE=${CMAKE_SOURCE_DIR}" "-DMUTANT=${mutant}"
            "-DOUTPUT=${mutants_dir}/${name}.cc" -P "${model_dir}/mutate.cmake"
    DEPENDS "${mutant}" "${CMAKE_SOURCE_DIR}/${source}" "${model_dir}/mutate.cmake"
    VERBATIM)
  add_executable(mutant_${name} EXCLUDE_FROM_ALL "${mutants_dir}/${name}.cc"
                 $<TARGET_OBJECTS:protocol_model_test>)
  set_target_properties(mutant_${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${mutants_dir}")
  target_compile_options(mutant_${name} PRIVATE -O1 -g0 -Wno-unused-parameter)
  target_link_libraries(mutant_${name} PRIVATE trident_coordinator_protocol GTest::gtest_main)
  add_dependencies(protocol_mutants mutant_${name})
endforeach()

add_test(NAME mutation_score
  COMMAND "${CMAKE_COMMAND}" "-DBUILD=${CMAKE_BINARY_DIR}" -DTARGET=protocol_mutants
          "-DWHAT=of the batch protocol" "-DMUTANTS=${model_dir}/mutants"
          "-DPROGRAMS=${mutants_dir}" -DHISTORIES=6000
          -DFILTER=ProtocolModel.InvariantsHoldInTheFixedHistories -P "${model_dir}/score.cmake")
set_tests_properties(mutation_score PROPERTIES
  LABELS protocol_model TIMEOUT 600 PROCESSORS 2)
