// SPDX-License-Identifier: Apache-2.0
#include "tests/support/paths.h"

namespace trident {

std::string InSourceTree(const std::string& path) { return TRIDENT_SOURCE_DIR "/" + path; }
std::string InBuild(const std::string& path) { return TRIDENT_BINARY_DIR "/" + path; }

}  // namespace trident
