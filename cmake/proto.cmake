# SPDX-License-Identifier: Apache-2.0
# proto/*.proto becomes two libraries: trident_proto has the messages, trident_services the gRPC
# stubs of the files that declare a service. Only what speaks gRPC links the second. What several
# workers say to each other is a third one, trident_cluster_services, which one process does not
# need.

set(TRIDENT_GENERATED "${CMAKE_BINARY_DIR}/generated")
set(TRIDENT_CLUSTER_PROTOS control)

function(trident_proto_library name sources)
  if(sources)
    if(TRIDENT_LINT)
      add_library(trident_${name} OBJECT ${sources})
    else()
      add_library(trident_${name} STATIC ${sources})
    endif()
    # Generated code is not ours to keep free of warnings.
    target_compile_options(trident_${name} PRIVATE -w)
    set(scope PUBLIC)
  else()
    add_library(trident_${name} INTERFACE)
    set(scope INTERFACE)
  endif()
  target_include_directories(trident_${name} ${scope} "${CMAKE_SOURCE_DIR}")
  target_include_directories(trident_${name} SYSTEM ${scope} "${TRIDENT_GENERATED}")
  target_link_libraries(trident_${name} ${scope} ${ARGN})
  set_property(GLOBAL APPEND PROPERTY TRIDENT_LIBRARIES trident_${name})
endfunction()

function(trident_proto_libraries)
  file(MAKE_DIRECTORY "${TRIDENT_GENERATED}")
  file(GLOB files CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/proto/*.proto")
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${files})
  foreach(file IN LISTS files)
    cmake_path(GET file STEM stem)
    set(out "${TRIDENT_GENERATED}/proto/${stem}")
    file(STRINGS "${file}" services REGEX "^service ")
    set(plugin "")
    set(outputs "${out}.pb.h" "${out}.pb.cc")
    if(services)
      set(plugin "--grpc_out=${TRIDENT_GENERATED}"
                 "--plugin=protoc-gen-grpc=$<TARGET_FILE:gRPC::grpc_cpp_plugin>")
      list(APPEND outputs "${out}.grpc.pb.h" "${out}.grpc.pb.cc")
    endif()
    set(sources ${outputs})
    list(FILTER sources INCLUDE REGEX "\\.cc$")
    if(stem IN_LIST TRIDENT_CLUSTER_PROTOS)
      list(APPEND cluster ${sources})
    else()
      list(APPEND messages "${out}.pb.cc")
      list(REMOVE_ITEM sources "${out}.pb.cc")
      list(APPEND stubs ${sources})
    endif()
    # A file may import any other, so each depends on all of them.
    add_custom_command(
      OUTPUT ${outputs}
      COMMAND protobuf::protoc "--proto_path=${CMAKE_SOURCE_DIR}" "--cpp_out=${TRIDENT_GENERATED}"
              ${plugin} "proto/${stem}.proto"
      DEPENDS ${files}
      WORKING_DIRECTORY "${CMAKE_SOURCE_DIR}"
      COMMENT "protoc proto/${stem}.proto"
      VERBATIM)
  endforeach()
  trident_proto_library(proto "${messages}" protobuf::libprotobuf)
  trident_proto_library(services "${stubs}" trident_proto gRPC::grpc++ gRPC::grpc++_reflection)
  trident_proto_library(cluster_services "${cluster}" protobuf::libprotobuf gRPC::grpc++)
endfunction()
