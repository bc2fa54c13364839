// SPDX-License-Identifier: Apache-2.0
//
// Where the tree and the build stand. In one file, so that no other object depends on the place and
// ccache finds it again from another checkout.
#ifndef TRIDENT_TESTS_SUPPORT_PATHS_H_
#define TRIDENT_TESTS_SUPPORT_PATHS_H_

#include <string>

namespace trident {

// The path of `path` within the source tree, and within the build directory; absolute.
std::string InSourceTree(const std::string& path);
std::string InBuild(const std::string& path);

}  // namespace trident

#endif  // TRIDENT_TESTS_SUPPORT_PATHS_H_
