# SPDX-License-Identifier: Apache-2.0
# cmake -DNINJA=ninja -DBUILD=dir -DOBJECTS_MAX=n -P demo_case.cmake
#
# Succeeds when ninja makes at most OBJECTS_MAX objects for the target `demo`, and nothing of
# a test: who tries the project for the first time waits for each of them.

execute_process(COMMAND "${NINJA}" -C "${BUILD}" -t inputs demo
                RESULT_VARIABLE result OUTPUT_VARIABLE inputs ERROR_VARIABLE error)
if(NOT result EQUAL 0)
  message(FATAL_ERROR "expected the inputs of the target demo, found:\n${error}")
endif()
string(REGEX MATCHALL "[^\n]+\\.o\n" objects "${inputs}")
list(LENGTH objects count)
message("note: make demo compiles ${count} objects; at most ${OBJECTS_MAX} are allowed")
if(count EQUAL 0)
  message(FATAL_ERROR "expected objects among the inputs of the target demo, found:\n${inputs}")
endif()
if(count GREATER OBJECTS_MAX)
  message(FATAL_ERROR "expected at most ${OBJECTS_MAX} objects for the target demo, found "
                      "${count}; to see them: ${NINJA} -C ${BUILD} -t inputs demo")
endif()
# A test's objects stand in tests/ of its target's folder; libtrident.so is for who installs.
string(REGEX MATCHALL "[^\n]*(/tests/|libtrident\\.so)[^\n]*\n" needless "${inputs}")
if(needless)
  list(JOIN needless "" needless)
  message(FATAL_ERROR "expected nothing of a test and no libtrident.so in the demo, found:\n"
                      "${needless}")
endif()
