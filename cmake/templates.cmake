# SPDX-License-Identifier: Apache-2.0
# The files below coordinator/cli/templates/<template>/ become coordinator/cli/templates.h's
# ProjectTemplates: text in the command. As a script,
#   cmake -DTEMPLATES=dir -DOUTPUT=file.cc -P templates.cmake
# it writes that source; included, it adds the source to a library.

function(trident_write_templates templates output)
  set(source "// Made by cmake/templates.cmake.\n#include \"coordinator/cli/templates.h\"\n\n")
  string(APPEND source "namespace trident {\n\n"
         "const std::vector<ProjectTemplate>& ProjectTemplates() {\n"
         "  static const std::vector<ProjectTemplate> all = {\n")
  file(GLOB folders LIST_DIRECTORIES TRUE "${templates}/*")
  foreach(folder IN LISTS folders)
    if(IS_DIRECTORY "${folder}")
      cmake_path(GET folder FILENAME name)
      string(APPEND source "{\"${name}\",\n {\n")
      file(GLOB files RELATIVE "${folder}" "${folder}/*.in")
      foreach(file IN LISTS files)
        string(REGEX REPLACE "\\.in$" "" made "${file}")
        file(READ "${folder}/${file}" text)
        string(APPEND source "{\"${made}\", R\"template(${text})template\"},\n")
      endforeach()
      string(APPEND source "}},\n")
    endif()
  endforeach()
  string(APPEND source "  };\n  return all;\n}\n\n}  // namespace trident\n")
  file(WRITE "${output}" "${source}")
endfunction()

function(trident_embed_templates library)
  set(templates "${CMAKE_SOURCE_DIR}/coordinator/cli/templates")
  set(output "${CMAKE_BINARY_DIR}/generated/coordinator/cli/templates.cc")
  file(GLOB_RECURSE files CONFIGURE_DEPENDS "${templates}/*.in")
  add_custom_command(
    OUTPUT "${output}"
    COMMAND "${CMAKE_COMMAND}" "-DTEMPLATES=${templates}" "-DOUTPUT=${output}"
            -P "${CMAKE_SOURCE_DIR}/cmake/templates.cmake"
    DEPENDS ${files} "${CMAKE_SOURCE_DIR}/cmake/templates.cmake"
    COMMENT "The templates of trident new"
    VERBATIM)
  target_sources(${library} PRIVATE "${output}")
endfunction()

if(CMAKE_SCRIPT_MODE_FILE)
  trident_write_templates("${TEMPLATES}" "${OUTPUT}")
endif()
