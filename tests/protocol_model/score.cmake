# SPDX-License-Identifier: Apache-2.0
# cmake -DBUILD=dir -DTARGET=mutants -DWHAT=name -DMUTANTS=dir -DPROGRAMS=dir -DHISTORIES=n
#       -DFILTER=tests -P score.cmake
#
# Builds every mutant of a folder, plays simulated histories against each until an invariant
# breaks, and prints who caught what. Fails if a mutant survives: then a rule has no test.

execute_process(COMMAND "${CMAKE_COMMAND}" --build "${BUILD}" --target "${TARGET}"
                RESULT_VARIABLE failed OUTPUT_VARIABLE output ERROR_VARIABLE output)
if(failed)
  message(FATAL_ERROR "the mutants do not build:\n${output}")
endif()

file(GLOB mutants "${MUTANTS}/*.mutant")
list(LENGTH mutants all)
set(caught 0)
math(EXPR schedules "2 * ${HISTORIES}")  # half of them are the fixed ones
foreach(mutant IN LISTS mutants)
  cmake_path(GET mutant STEM name)
  file(STRINGS "${mutant}" rule REGEX "^rule: " LIMIT_COUNT 1)
  string(SUBSTRING "${rule}" 6 -1 rule)
  execute_process(
    COMMAND "${CMAKE_COMMAND}" -E env TRIDENT_TEST_SCHEDULES=${schedules} TRIDENT_SEED=
            "${PROGRAMS}/mutant_${name}"
            "--gtest_filter=${FILTER}"
    TIMEOUT 60 RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(result EQUAL 0)
    set(verdict "SURVIVED ${HISTORIES} histories")
  else()
    math(EXPR caught "${caught} + 1")
    if(output MATCHES "seed ([0-9]+): ([^\n]*)")
      string(SUBSTRING "${CMAKE_MATCH_2}" 0 90 how)
      set(verdict "caught at seed ${CMAKE_MATCH_1}: ${how}")
    elseif(output MATCHES "CHECK failed: ([^\n]*)")
      set(verdict "caught by CHECK ${CMAKE_MATCH_1}")
    else()
      set(verdict "caught: it ended with '${result}'")
    endif()
  endif()
  message("${name}: ${rule}\n    ${verdict}")
endforeach()
message("mutation score: ${caught} of ${all} ${WHAT} caught")
if(NOT caught EQUAL all)
  message(FATAL_ERROR "a broken rule was not noticed: strengthen the model until it is")
endif()
