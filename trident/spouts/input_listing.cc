// SPDX-License-Identifier: Apache-2.0
#include "trident/spouts/input_listing.h"

#include <glob.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <utility>

namespace trident {
namespace {

namespace fs = std::filesystem;

bool IsHidden(const fs::path& path) {
  const std::string name = path.filename().string();
  return !name.empty() && name[0] == '.';
}

// As docs/state_directory.md says.
bool IsStateDirectory(const fs::path& folder) {
  std::ifstream in(folder / "FORMAT");
  std::string line;
  return std::getline(in, line) && line.starts_with("trident state directory");
}

bool IsLink(const std::string& path) {
  std::error_code unknown;
  return fs::is_symlink(path, unknown);
}

bool IsPattern(const std::string& path) { return path.find_first_of("*?[") != std::string::npos; }

class Lister {
 public:
  Lister(Follow follow, const std::function<bool(const std::string&)>& is_known)
      : follow_(follow), is_known_(is_known) {}

  Status Add(const std::string& path);
  InputListing Finish();

 private:
  struct Named {
    FoundFile file;
    int rank = 0;  // of its name; the lowest is taken
  };
  Status AddPattern(const std::string& pattern);
  Status AddFolder(const std::string& folder);
  Status AddFolderContent(const fs::path& folder, size_t& found);
  Status AddGiven(const std::string& path);
  void AddFile(FoundFile file);

  const Follow follow_;
  const std::function<bool(const std::string&)>& is_known_;
  std::map<FileId, Named> files_;
  InputListing out_;
};

Status Lister::Add(const std::string& path) {
  std::error_code unknown;  // a path that cannot be looked at fails as a file
  if (fs::is_directory(path, unknown)) return AddFolder(path);
  if (IsPattern(path) && !fs::exists(path, unknown)) return AddPattern(path);
  return AddGiven(path);
}

Status Lister::AddPattern(const std::string& pattern) {
  glob_t found = {};
  const int result = ::glob(pattern.c_str(), 0, nullptr, &found);
  std::vector<std::string> paths(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  ::globfree(&found);
  if (result != 0 && result != GLOB_NOMATCH) {
    return Unavailable("cannot list what the input pattern \"", pattern, "\" stands for");
  }
  // The folders in which others may come up that the pattern matches.
  fs::path folder = pattern;
  while (IsPattern(folder.string())) folder = folder.parent_path();
  out_.folders.insert(folder.string());
  if (paths.empty() && follow_ == Follow::kNo) {
    return NotFound("the input pattern \"", pattern, "\" stands for no file; check it");
  }
  for (const std::string& path : paths) {
    std::error_code unknown;
    if (fs::is_directory(path, unknown)) {
      size_t files = 0;
      TRIDENT_RETURN_IF_ERROR(AddFolderContent(path, files));
      continue;
    }
    out_.folders.insert(fs::path(path).parent_path().string());
    const auto facts = FactsOf(path);
    if (facts.ok()) AddFile({.path = path, .is_link = IsLink(path), .facts = *facts});
  }
  return absl::OkStatus();
}

Status Lister::AddFolder(const std::string& folder) {
  size_t found = 0;
  TRIDENT_RETURN_IF_ERROR(AddFolderContent(folder, found));
  if (found > 0 || follow_ == Follow::kYes) return absl::OkStatus();
  return InvalidArgument("the input directory \"", folder,
                         "\" holds no files; names that begin with \".\" do not count, nor does "
                         "a state directory");
}

Status Lister::AddFolderContent(const fs::path& folder, size_t& found) {
  if (IsStateDirectory(folder)) {
    out_.left_out.push_back(
        Concat("the input holds the state directory \"", folder.string(), "\", which is left out"));
    return absl::OkStatus();
  }
  out_.folders.insert(folder.string());
  std::error_code error;
  std::vector<fs::path> below;
  auto entry = fs::directory_iterator(folder, error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    if (IsHidden(entry->path())) continue;
    std::error_code unknown;                          // a link that leads nowhere is no file
    const bool is_link = entry->is_symlink(unknown);  // the listing says so
    if (entry->is_directory(unknown)) {
      if (!is_link) below.push_back(entry->path());
      continue;
    }
    const auto facts = FactsOf(entry->path().string());
    if (!facts.ok()) continue;
    AddFile({.path = entry->path().string(), .is_link = is_link, .facts = *facts});
    ++found;
  }
  if (error) {
    return Unavailable("cannot list the input directory \"", folder.string(),
                       "\": ", error.message());
  }
  for (const fs::path& each : below) TRIDENT_RETURN_IF_ERROR(AddFolderContent(each, found));
  return absl::OkStatus();
}

Status Lister::AddGiven(const std::string& path) {
  out_.folders.insert(fs::path(path).parent_path().string());
  const auto facts = FactsOf(path);
  if (facts.ok()) {
    AddFile({.path = path, .is_given = true, .is_link = IsLink(path), .facts = *facts});
    return absl::OkStatus();
  }
  const bool may_come =
      follow_ == Follow::kYes && facts.status().code() != StatusCode::kInvalidArgument;
  return may_come ? absl::OkStatus() : facts.status();
}

void Lister::AddFile(FoundFile file) {
  int rank = file.is_link ? 2 : 1;
  if (is_known_(file.path)) rank = 0;
  const bool is_given = file.is_given;
  auto [at, is_new] = files_.try_emplace(file.facts.id, Named{file, rank});
  if (is_new || at->second.file.path == file.path) {
    at->second.file.is_given |= is_given;
    return;
  }
  Named& other = at->second;
  const bool better = std::pair(rank, file.path) < std::pair(other.rank, other.file.path);
  const std::string& taken = better ? file.path : other.file.path;
  const std::string& dropped = better ? other.file.path : file.path;
  out_.left_out.push_back(
      Concat("\"", dropped, "\" is the same file as \"", taken, "\" and is read once"));
  if (better) other = {std::move(file), rank};
  other.file.is_given |= is_given;
}

InputListing Lister::Finish() {
  for (auto& [id, named] : files_) out_.files.push_back(std::move(named.file));
  std::sort(out_.files.begin(), out_.files.end(),
            [](const FoundFile& a, const FoundFile& b) { return a.path < b.path; });
  return std::move(out_);
}

}  // namespace

std::string AbsolutePath(const std::string& path) {
  std::error_code error;
  const fs::path absolute = fs::absolute(path, error);
  return (error ? fs::path(path) : absolute).lexically_normal().string();
}

StatusOr<InputListing> ListInput(const std::vector<std::string>& paths, Follow follow,
                                 const std::function<bool(const std::string&)>& is_known) {
  Lister lister(follow, is_known);
  for (const std::string& path : paths) {
    TRIDENT_RETURN_IF_ERROR(lister.Add(AbsolutePath(path)));
  }
  return lister.Finish();
}

}  // namespace trident
