# SPDX-License-Identifier: Apache-2.0
# Each *.mutant is one broken rule. Its copy of the source is linked before the library and so takes
# the place of the original, with the simulation's own program. `ctest -R mutation_score` builds and
# judges them; they are no part of `all`. One build says whether the rules are tested; an
# instrumented one would only take longer.
if(TRIDENT_LINT OR TRIDENT_SANITIZE)
  return()
endif()

set(model_dir "${TRIDENT_TESTS_DIR}/protocol_model")

# The mutants of a folder, judged by the histories of one model and the tests that `also` names.
function(trident_model_mutants folder what model histories also)
  set(filter "${model}.InvariantsHoldInTheFixedHistories${also}")
  file(GLOB mutants CONFIGURE_DEPENDS "${model_dir}/${folder}/*.mutant")
  set(target "protocol_${folder}")
  set(output_dir "${CMAKE_BINARY_DIR}/${target}")
  add_custom_target(${target})
  foreach(mutant IN LISTS mutants)
    cmake_path(GET mutant STEM name)
    file(STRINGS "${mutant}" source REGEX "^file: " LIMIT_COUNT 1)
    string(SUBSTRING "${source}" 6 -1 source)
    add_custom_command(
      OUTPUT "${output_dir}/${name}.cc"
      COMMAND "${CMAKE_COMMAND}" "-DSOURCE=${CMAKE_SOURCE_DIR}" "-DMUTANT=${mutant}"
              "-DOUTPUT=${output_dir}/${name}.cc" -P "${model_dir}/mutate.cmake"
      DEPENDS "${mutant}" "${CMAKE_SOURCE_DIR}/${source}" "${model_dir}/mutate.cmake"
      VERBATIM)
    set(program "${folder}_${name}")
    add_executable(${program} EXCLUDE_FROM_ALL "${output_dir}/${name}.cc"
                   $<TARGET_OBJECTS:protocol_model_test>)
    set_target_properties(${program} PROPERTIES
      RUNTIME_OUTPUT_DIRECTORY "${output_dir}" OUTPUT_NAME "mutant_${name}")
    target_compile_options(${program} PRIVATE -O1 -g0 -Wno-unused)
    target_link_libraries(${program} PRIVATE trident_coordinator_epochs
      trident_coordinator_protocol GTest::gtest_main)
    add_dependencies(${target} ${program})
  endforeach()

  add_test(NAME mutation_score.${model}
    COMMAND "${CMAKE_COMMAND}" "-DBUILD=${CMAKE_BINARY_DIR}" "-DTARGET=${target}"
            "-DWHAT=${what}" "-DMUTANTS=${model_dir}/${folder}"
            "-DPROGRAMS=${output_dir}" "-DHISTORIES=${histories}"
            "-DFILTER=${filter}" -P "${model_dir}/score.cmake")
  set_tests_properties(mutation_score.${model} PROPERTIES
    LABELS protocol_model TIMEOUT 600 PROCESSORS 2)
endfunction()

trident_model_mutants(mutants "of the batch protocol" ProtocolModel 6000 "")
trident_model_mutants(cluster_mutants "of the cluster's commit" ClusterModel 5000
  ":ClusterRules.*:ReadLeaseModel.*")
