# SPDX-License-Identifier: Apache-2.0
# The catalog that a test serves within its process.
target_sources(cli_grpc_test PRIVATE "${TRIDENT_TESTS_DIR}/coordinator/serve/fake_catalog.cc")
# The program whose dead letters letter_change_test works with.
add_dependencies(cli_test letter_topology)
