# SPDX-License-Identifier: Apache-2.0
# cmake -DSOURCE=tree -DMUTANT=file.mutant -DOUTPUT=copy.cc -P mutate.cmake
#
# Writes a copy of the source file that the mutant names, with its one rule broken. A mutant is
#   file: path from the root of the tree
#   rule: the sentence that does not hold any more
#   old:
#   lines that stand in the file exactly once
#   new:
#   lines that take their place

file(READ "${MUTANT}" mutant)

function(field out name)
  string(FIND "${mutant}" "${name}: " at)
  if(at EQUAL -1)
    message(FATAL_ERROR "${MUTANT}: no line starts with '${name}: '")
  endif()
  string(SUBSTRING "${mutant}" ${at} -1 rest)
  string(FIND "${rest}" "\n" end)
  string(LENGTH "${name}: " skip)
  math(EXPR length "${end} - ${skip}")
  string(SUBSTRING "${rest}" ${skip} ${length} value)
  set(${out} "${value}" PARENT_SCOPE)
endfunction()

field(file file)
string(FIND "${mutant}" "\nold:\n" old_at)
string(FIND "${mutant}" "\nnew:\n" new_at)
if(old_at EQUAL -1 OR new_at EQUAL -1 OR new_at LESS old_at)
  message(FATAL_ERROR "${MUTANT}: expected 'old:' and then 'new:', each on a line of its own")
endif()
math(EXPR old_start "${old_at} + 6")
math(EXPR old_length "${new_at} + 1 - ${old_start}")
math(EXPR new_start "${new_at} + 6")
string(SUBSTRING "${mutant}" ${old_start} ${old_length} old)
string(SUBSTRING "${mutant}" ${new_start} -1 new)

file(READ "${SOURCE}/${file}" text)
string(FIND "${text}" "${old}" first)
string(FIND "${text}" "${old}" last REVERSE)
if(first EQUAL -1 OR NOT first EQUAL last)
  message(FATAL_ERROR "${MUTANT}: its old lines must stand exactly once in ${file}; rewrite the "
                      "mutant so that it breaks the same rule in the code as it is now:\n${old}")
endif()
string(LENGTH "${old}" length)
math(EXPR after "${first} + ${length}")
string(SUBSTRING "${text}" 0 ${first} head)
string(SUBSTRING "${text}" ${after} -1 tail)
file(WRITE "${OUTPUT}" "${head}${new}${tail}")
