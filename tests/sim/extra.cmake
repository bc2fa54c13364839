# SPDX-License-Identifier: Apache-2.0
# Each *.mutant is one broken rule of a shipped part; protocol_model/mutate.cmake has their format.
# As there, its copy of the source comes before the libraries and so takes the place of the
# original. `ctest -R sim_mutation_score` builds and judges them; they are no part of `all`.
if(TRIDENT_LINT OR TRIDENT_SANITIZE)
  return()
endif()

set(model_dir "${TRIDENT_TESTS_DIR}/protocol_model")
set(sim_mutants_dir "${CMAKE_BINARY_DIR}/sim_mutants")
file(GLOB sim_mutants CONFIGURE_DEPENDS "${TRIDENT_TESTS_DIR}/sim/mutants/*.mutant")
add_custom_target(sim_mutants)
foreach(mutant IN LISTS sim_mutants)
  cmake_path(GET mutant STEM name)
  file(STRINGS "${mutant}" source REGEX "^file: " LIMIT_COUNT 1)
  string(SUBSTRING "${source}" 6 -1 source)
  add_custom_command(
    OUTPUT "${sim_mutants_dir}/${name}.cc"
    COMMAND "${CMAKE_COMMAND}" "-DSOURCE=${CMAKE_SOURCE_DIR}" "-DMUTANT=${mutant}"
            "-DOUTPUT=${sim_mutants_dir}/${name}.cc" -P "${model_dir}/mutate.cmake"
    DEPENDS "${mutant}" "${CMAKE_SOURCE_DIR}/${source}" "${model_dir}/mutate.cmake"
    VERBATIM)
  add_executable(sim_mutant_${name} EXCLUDE_FROM_ALL "${sim_mutants_dir}/${name}.cc"
                 $<TARGET_OBJECTS:sim_test>)
  set_target_properties(sim_mutant_${name} PROPERTIES
    OUTPUT_NAME "mutant_${name}" RUNTIME_OUTPUT_DIRECTORY "${sim_mutants_dir}")
  target_compile_options(sim_mutant_${name} PRIVATE -O1 -g0 -Wno-unused)
  target_link_libraries(sim_mutant_${name} PRIVATE trident_everything GTest::gtest_main)
  add_dependencies(sim_mutants sim_mutant_${name})
endforeach()

add_test(NAME sim_mutation_score
  COMMAND "${CMAKE_COMMAND}" "-DBUILD=${CMAKE_BINARY_DIR}" -DTARGET=sim_mutants
          "-DWHAT=of the parts that ship" "-DMUTANTS=${TRIDENT_TESTS_DIR}/sim/mutants"
          "-DPROGRAMS=${sim_mutants_dir}" -DHISTORIES=3000
          "-DFILTER=*InvariantsHoldInTheFixedSchedules*" -P "${model_dir}/score.cmake")
set_tests_properties(sim_mutation_score PROPERTIES LABELS sim TIMEOUT 900 PROCESSORS 2)
