# SPDX-License-Identifier: Apache-2.0
# The catalog that a test serves within its process.
target_sources(cli_grpc_test PRIVATE "${TRIDENT_TESTS_DIR}/coordinator/serve/fake_catalog.cc")
