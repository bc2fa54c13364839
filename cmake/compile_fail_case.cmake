# SPDX-License-Identifier: Apache-2.0
# cmake -DSOURCE=file -DCOMPILER=g++ -DINCLUDES="dir;dir" -P compile_fail_case.cmake
#
# Succeeds when SOURCE does not compile and the first error holds the text of its line
#     // EXPECT: text
# and, where SOURCE mentions TRIDENT_FIXED, when it does compile with that macro defined: so the
# fault that the file shows is the only one in it.

file(STRINGS "${SOURCE}" expect_line REGEX "^// EXPECT: " LIMIT_COUNT 1)
string(REGEX REPLACE "^// EXPECT: " "" expected "${expect_line}")
if(expected STREQUAL "")
  message(FATAL_ERROR "${SOURCE}: expected a line '// EXPECT: text of the first error', found none")
endif()

list(TRANSFORM INCLUDES PREPEND -I)
set(command "${COMPILER}" -std=c++20 -fsyntax-only -Wall -Wextra ${INCLUDES})
set(ENV{LC_ALL} C)
set(ENV{GCC_COLORS} "")

execute_process(COMMAND ${command} "${SOURCE}"
                RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
if(result EQUAL 0)
  message(FATAL_ERROR "${SOURCE}: expected an error with '${expected}', but it compiles")
endif()
# As text, not as a list: messages hold semicolons and brackets.
string(REGEX MATCH "[^\n]*error: [^\n]*" first_error "${output}")
string(FIND "${first_error}" "${expected}" at)
if(at EQUAL -1)
  message(FATAL_ERROR "${SOURCE}: expected in the first error:\n  ${expected}\n"
                      "found:\n  ${first_error}\n\nAll of it:\n${output}")
endif()

file(STRINGS "${SOURCE}" fixed REGEX "TRIDENT_FIXED" LIMIT_COUNT 1)
if(fixed)
  execute_process(COMMAND ${command} -DTRIDENT_FIXED "${SOURCE}"
                  RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(NOT result EQUAL 0)
    message(FATAL_ERROR "${SOURCE}: expected to compile with TRIDENT_FIXED, found\n${output}")
  endif()
endif()
