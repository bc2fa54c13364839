// SPDX-License-Identifier: Apache-2.0
//
// The project's own files as the checks see them: paths from the root of the tree, and lines.
#ifndef TRIDENT_TESTS_TIDY_SOURCE_TREE_H_
#define TRIDENT_TESTS_TIDY_SOURCE_TREE_H_

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace trident::tidy {

struct Include {
  int line = 0;        // counted from 1
  std::string target;  // as written between the quotes or brackets
};

class SourceFile {
 public:
  SourceFile(std::string path, std::string_view text);

  // From the root of the tree, with '/'.
  const std::string& path() const { return path_; }
  const std::vector<std::string>& lines() const { return lines_; }
  // The lines with comments and the content of string literals blanked out, so that a word found in
  // them is code. Only meaningful for C++ and proto files.
  const std::vector<std::string>& code() const { return code_; }
  const std::vector<Include>& includes() const { return includes_; }

  bool IsHeader() const;
  bool IsCpp() const;
  // "state" for state/x.h, "engine/transport" for engine/transport/x.h, "" for files in the root.
  std::string Folder() const;
  // "x.h" for state/x.h.
  std::string Name() const;

 private:
  std::string path_;
  std::vector<std::string> lines_;
  std::vector<std::string> code_;
  std::vector<Include> includes_;
};

class SourceTree {
 public:
  void Add(std::string path, std::string_view text);

  const std::map<std::string, SourceFile>& files() const { return files_; }
  bool Has(const std::string& path) const { return files_.count(path) > 0; }
  // All folders that hold a file, and the folders above them.
  std::set<std::string> Folders() const;

 private:
  std::map<std::string, SourceFile> files_;
};

// Reads every file of the project under `root`; build directories and .git are left out.
SourceTree ReadSourceTree(const std::string& root);

// True when `path` is `folder` or lies below it.
bool IsUnder(std::string_view path, std::string_view folder);

}  // namespace trident::tidy

#endif  // TRIDENT_TESTS_TIDY_SOURCE_TREE_H_
