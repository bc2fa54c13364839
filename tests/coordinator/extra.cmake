# SPDX-License-Identifier: Apache-2.0
# The program that control_process_grpc_test.cc stops and kills.
trident_executable(control_worker
                   "${TRIDENT_TESTS_DIR}/coordinator/cluster/program/control_worker.cc")
target_link_libraries(control_worker PRIVATE trident_coordinator_cluster)
set_target_properties(control_worker PROPERTIES
  RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/tests")
add_dependencies(coordinator_cluster_grpc_test control_worker)
