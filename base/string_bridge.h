// SPDX-License-Identifier: Apache-2.0
//
// The one place where absl::string_view meets std::string_view: in the packaged Abseil they are
// different types with no conversion. Our interfaces speak std::; call these where Abseil is
// called.
#ifndef TRIDENT_BASE_STRING_BRIDGE_H_
#define TRIDENT_BASE_STRING_BRIDGE_H_

#include <string_view>

#include "absl/strings/string_view.h"

namespace trident {

// Both return a view of the same bytes, valid as long as those are.
inline absl::string_view ToAbsl(std::string_view s) {
  return absl::string_view(s.data(), s.size());
}
inline std::string_view ToStd(absl::string_view s) { return std::string_view(s.data(), s.size()); }

}  // namespace trident

#endif  // TRIDENT_BASE_STRING_BRIDGE_H_
