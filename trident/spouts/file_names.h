// SPDX-License-Identifier: Apache-2.0
//
// What the name of a file tells of it.
#ifndef TRIDENT_TRIDENT_SPOUTS_FILE_NAMES_H_
#define TRIDENT_TRIDENT_SPOUTS_FILE_NAMES_H_

#include <filesystem>
#include <string>
#include <string_view>

namespace trident {

// The file itself, not a link to it.
inline std::string PlaceOf(const std::string& path) {
  std::error_code error;
  const std::filesystem::path place = std::filesystem::canonical(path, error);
  return error ? path : place.string();
}

// What a rotation may put behind a name.
inline constexpr std::string_view kBehindName = ".-_~";

// Is `path` what a rotation makes of `of`: "app.log.1", "app.log-20240101", "app.log.2.gz"?
inline bool IsNamedAfter(const std::string& path, const std::string& of) {
  if (path.size() <= of.size() || !path.starts_with(of)) return false;
  return kBehindName.find(path[of.size()]) != std::string_view::npos;
}

}  // namespace trident

#endif  // TRIDENT_TRIDENT_SPOUTS_FILE_NAMES_H_
