# SPDX-License-Identifier: Apache-2.0
# cmake -DCASE=name -DBUILD=dir -DSOURCE=dir -DWORK=dir -P install_case.cmake
#
# What is installed is all that a program needs. The cases:
#   prefix     installs the build to a prefix under WORK; the others use nothing of ours but that
#   consumer   copies the consumer, the word count and the programs of the README and of
#              docs/programs.md to WORK, builds and runs them, once by find_package and once by
#              pkg-config
#   headers    compiles each installed header alone
#   templates  makes a project of each template of `trident new`, builds it and runs its test

set(prefix "${WORK}/prefix")

# Sets `out` to what the command printed; fails if it failed.
function(run_for out)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE result OUTPUT_VARIABLE output
                  ERROR_VARIABLE error)
  if(NOT result EQUAL 0)
    list(JOIN ARGN " " line)
    message(FATAL_ERROR "${line}\nended with ${result}:\n${output}${error}")
  endif()
  set(${out} "${output}" PARENT_SCOPE)
endfunction()

function(run)
  run_for(ignored ${ARGV})
endfunction()

function(configure source build)
  run("${CMAKE_COMMAND}" -G Ninja -S "${source}" -B "${build}" "-DCMAKE_PREFIX_PATH=${prefix}"
      ${ARGN})
endfunction()

function(case_prefix)
  file(REMOVE_RECURSE "${WORK}")
  run("${CMAKE_COMMAND}" --install "${BUILD}" --prefix "${prefix}")
endfunction()

# Writes the first programs of a page, between ```cpp and ```, to the consumer's folder.
function(write_programs page)
  file(READ "${page}" text)
  foreach(name IN LISTS ARGN)
    string(FIND "${text}" "```cpp\n" begin)
    if(begin EQUAL -1)
      message(FATAL_ERROR "${page} has no program for ${name}")
    endif()
    math(EXPR begin "${begin} + 7")
    string(SUBSTRING "${text}" ${begin} -1 text)
    string(FIND "${text}" "```" end)
    string(SUBSTRING "${text}" 0 ${end} source)
    math(EXPR end "${end} + 4")
    string(SUBSTRING "${text}" ${end} -1 text)
    file(WRITE "${WORK}/consumer/${name}.cc" "${source}")
  endforeach()
endfunction()

function(case_consumer)
  file(REMOVE_RECURSE "${WORK}/consumer")
  file(COPY "${SOURCE}/tests/install/consumer" DESTINATION "${WORK}")
  file(COPY "${SOURCE}/examples/wordcount.cc" DESTINATION "${WORK}/consumer")
  # The README's whole word count is the whole one, and its value type is one.
  write_programs("${SOURCE}/README.md" readme value)
  write_programs("${SOURCE}/docs/programs.md" aggregator updater feeder)
  file(APPEND "${WORK}/consumer/value.cc" "
#include \"trident/topology.h\"
constexpr trident::Field<Money> kPrice{\"price\"};
int main() {
  std::string bytes;
  Money read;
  trident::UserCodec<Money>::Encode(Money{-7}, bytes);
  const bool is_money = trident::UserCodec<Money>::Decode(bytes, read);
  const bool is_refused = !trident::UserCodec<Money>::Decode(\"7.5\", read);
  return kPrice.Describe().type->name == \"money\" && is_money && is_refused ? 0 : 1;
}
")
  configure("${WORK}/consumer" "${WORK}/consumer/build" -DCMAKE_BUILD_TYPE=Release)
  run("${CMAKE_COMMAND}" --build "${WORK}/consumer/build")
  run("${WORK}/consumer/build/consumer")
  run("${WORK}/consumer/build/wordcount" --help)
  run("${WORK}/consumer/build/readme" run --input "${SOURCE}/LICENSE")
  run("${WORK}/consumer/build/value")
  foreach(name IN ITEMS aggregator updater feeder)
    run("${WORK}/consumer/build/${name}")
  endforeach()
  run("${WORK}/consumer/build/reader")

  file(GLOB_RECURSE pc "${prefix}/trident.pc")
  cmake_path(GET pc PARENT_PATH pc)
  set(ENV{PKG_CONFIG_PATH} "${pc}")
  run(sh -c "c++ '${WORK}/consumer/consumer.cc' $(pkg-config --cflags --libs trident) \
               -Wl,-rpath,$(pkg-config --variable=libdir trident) -o '${WORK}/by_pkg_config'")
  run("${WORK}/by_pkg_config")
endfunction()

function(case_headers)
  set(build "${WORK}/headers")
  file(REMOVE_RECURSE "${build}")
  configure("${SOURCE}/tests/install/headers" "${build}")
  # -k 0: one that fails hides no other.
  execute_process(COMMAND "${CMAKE_COMMAND}" --build "${build}" -j2 -- -k 0
                  RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(result EQUAL 0)
    return()
  endif()
  string(REGEX MATCHALL "FAILED: [^\n]*/alone/[^\n]*\\.cc\\.o" failed "${output}")
  list(TRANSFORM failed REPLACE ".*/alone/(.*)\\.cc\\.o" "  \\1")
  list(JOIN failed "\n" failed)
  message(FATAL_ERROR "expected each installed header to compile alone, found these that do not:\n"
                      "${failed}\n\n${output}")
endfunction()

function(case_templates)
  set(made "${WORK}/made")
  file(REMOVE_RECURSE "${made}")
  file(MAKE_DIRECTORY "${made}")
  file(GLOB templates RELATIVE "${SOURCE}/coordinator/cli/templates"
       "${SOURCE}/coordinator/cli/templates/*/CMakeLists.txt.in")
  if(NOT templates)
    message(FATAL_ERROR "expected templates in ${SOURCE}/coordinator/cli/templates, found none")
  endif()
  foreach(template IN LISTS templates)
    cmake_path(GET template PARENT_PATH template)
    set(name "my-${template}")
    set(build "${made}/${name}/build")
    run("${prefix}/bin/trident" new "${name}" --template "${template}" --dir "${made}")
    # Not optimized: the least that the compiler can do for the same answers.
    configure("${made}/${name}" "${build}" -DCMAKE_BUILD_TYPE=Debug -DCMAKE_CXX_FLAGS_DEBUG=-O0
              -DCMAKE_COMPILE_WARNING_AS_ERROR=ON)
    run("${CMAKE_COMMAND}" --build "${build}" -j2)
    run_for(help "${build}/${name}" --help)
    run_for(tests "${CMAKE_CTEST_COMMAND}" --test-dir "${build}" --no-tests=error
            --output-on-failure)
    if(NOT tests MATCHES "100% tests passed")
      message(FATAL_ERROR "expected the test of ${name} to run and pass, found:\n${tests}")
    endif()
  endforeach()
endfunction()

cmake_language(CALL "case_${CASE}")
