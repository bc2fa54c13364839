// SPDX-License-Identifier: Apache-2.0
//
// What the name of a file tells of it.
#ifndef TRIDENT_TRIDENT_SPOUTS_FILE_NAMES_H_
#define TRIDENT_TRIDENT_SPOUTS_FILE_NAMES_H_

#include <filesystem>
#include <string>
#include <string_view>
#include <unordered_map>

namespace trident {

// The file itself, not a link to it.
inline std::string PlaceOf(const std::string& path) {
  std::error_code error;
  const std::filesystem::path place = std::filesystem::canonical(path, error);
  return error ? path : place.string();
}

// PlaceOf for many files: each folder is looked up once, not the folders of each file. For a short
// time, because folders may be moved.
class PlaceFinder {
 public:
  std::string Of(const std::string& path) {
    namespace fs = std::filesystem;
    std::error_code error;
    const fs::path file(path);
    if (!file.has_filename() || !fs::is_regular_file(fs::symlink_status(file, error))) {
      return PlaceOf(path);
    }
    const std::string folder = file.parent_path().string();
    const auto [known, is_new] = folders_.try_emplace(folder);
    if (is_new) known->second = PlaceOf(folder);
    return (fs::path(known->second) / file.filename()).string();
  }

 private:
  std::unordered_map<std::string, std::string> folders_;
};

// What a rotation may put behind a name.
inline constexpr std::string_view kBehindName = ".-_~";

// Is `path` what a rotation makes of `of`: "app.log.1", "app.log-20240101", "app.log.2.gz"?
inline bool IsNamedAfter(const std::string& path, const std::string& of) {
  if (path.size() <= of.size() || !path.starts_with(of)) return false;
  return kBehindName.find(path[of.size()]) != std::string_view::npos;
}

}  // namespace trident

#endif  // TRIDENT_TRIDENT_SPOUTS_FILE_NAMES_H_
