# SPDX-License-Identifier: Apache-2.0
# cmake -DBUILD=dir -DSOURCE=dir -DWORK=dir -P install_case.cmake
#
# Installs the build to a prefix under WORK, copies the consumer and the word count there, and
# builds and runs them with nothing but the prefix, once by find_package and once by pkg-config.

function(run)
  execute_process(COMMAND ${ARGV} RESULT_VARIABLE result OUTPUT_VARIABLE output
                  ERROR_VARIABLE output)
  if(NOT result EQUAL 0)
    list(JOIN ARGV " " line)
    message(FATAL_ERROR "${line}\nended with ${result}:\n${output}")
  endif()
endfunction()

file(REMOVE_RECURSE "${WORK}")
set(prefix "${WORK}/prefix")
run("${CMAKE_COMMAND}" --install "${BUILD}" --prefix "${prefix}")

file(COPY "${SOURCE}/tests/install/consumer" DESTINATION "${WORK}")
if(EXISTS "${SOURCE}/examples/wordcount.cc")
  file(COPY "${SOURCE}/examples/wordcount.cc" DESTINATION "${WORK}/consumer")
endif()
run("${CMAKE_COMMAND}" -G Ninja -S "${WORK}/consumer" -B "${WORK}/consumer/build"
    "-DCMAKE_PREFIX_PATH=${prefix}" -DCMAKE_BUILD_TYPE=Release)
run("${CMAKE_COMMAND}" --build "${WORK}/consumer/build")
run("${WORK}/consumer/build/consumer")
if(EXISTS "${WORK}/consumer/wordcount.cc")
  run("${WORK}/consumer/build/wordcount" --help)
endif()

file(GLOB_RECURSE pc "${prefix}/trident.pc")
cmake_path(GET pc PARENT_PATH pc)
set(ENV{PKG_CONFIG_PATH} "${pc}")
run(sh -c "c++ '${WORK}/consumer/consumer.cc' $(pkg-config --cflags --libs trident) \
             -Wl,-rpath,$(pkg-config --variable=libdir trident) -o '${WORK}/by_pkg_config'")
run("${WORK}/by_pkg_config")
