// SPDX-License-Identifier: Apache-2.0
#ifndef TRIDENT_BASE_VERSION_H_
#define TRIDENT_BASE_VERSION_H_

#include <string_view>

namespace trident {

// The release, as CMakeLists.txt has it; a test compares the two.
inline constexpr std::string_view kVersion = "0.1.0";

}  // namespace trident

#endif  // TRIDENT_BASE_VERSION_H_
