// SPDX-License-Identifier: Apache-2.0
//
// A directory at rest that has something in every place: base, redo, decisions, a log.
#ifndef TRIDENT_TESTS_CLI_FOLDED_DIRECTORY_H_
#define TRIDENT_TESTS_CLI_FOLDED_DIRECTORY_H_

#include <string>

#include "tests/support/temp_dir.h"

namespace trident {

class FoldedDirectory {
 public:
  // One for all tests of a program; never changed.
  static const FoldedDirectory& Get();

  std::string path() const { return dir_.path() + "/state"; }
  // The text whose words it has counted, to its end.
  std::string input() const { return dir_.path() + "/lines"; }
  // What a dump of it prints.
  const std::string& counts() const { return counts_; }
  // A copy that may be changed; `to` must not exist.
  void CopyTo(const std::string& to) const;

 private:
  FoldedDirectory();

  TempDir dir_;
  std::string counts_;
};

}  // namespace trident

#endif  // TRIDENT_TESTS_CLI_FOLDED_DIRECTORY_H_
