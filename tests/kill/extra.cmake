# SPDX-License-Identifier: Apache-2.0
# The program that kill_test starts and kills.
trident_executable(kill_topology "${TRIDENT_TESTS_DIR}/kill/program/kill_topology.cc")
target_link_libraries(kill_topology PRIVATE trident_everything)
set_target_properties(kill_topology PROPERTIES
  RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/tests")
add_dependencies(kill_test kill_topology)
# The program that crash_test starts until it ends in order.
trident_executable(crash_topology "${TRIDENT_TESTS_DIR}/kill/program/crash_topology.cc")
target_link_libraries(crash_topology PRIVATE trident_everything)
set_target_properties(crash_topology PROPERTIES
  RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/tests")
add_dependencies(kill_test crash_topology trident_command)
add_dependencies(kill_grpc_test crash_topology trident_command)
# The program whose dead letters letter_grpc_test and tests/cli work with.
trident_executable(letter_topology "${TRIDENT_TESTS_DIR}/kill/program/letter_topology.cc")
target_link_libraries(letter_topology PRIVATE trident_everything)
set_target_properties(letter_topology PROPERTIES
  RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/tests")
add_dependencies(kill_grpc_test letter_topology)
# The program of which cluster_kill_grpc_test starts and kills three.
trident_executable(cluster_topology "${TRIDENT_TESTS_DIR}/kill/program/cluster_topology.cc")
target_link_libraries(cluster_topology PRIVATE trident_everything)
set_target_properties(cluster_topology PROPERTIES
  RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/tests")
add_dependencies(kill_grpc_test cluster_topology trident_command)
