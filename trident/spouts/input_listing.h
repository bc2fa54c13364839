// SPDX-License-Identifier: Apache-2.0
//
// The files that the paths of a TextFileSpout stand for.
#ifndef TRIDENT_TRIDENT_SPOUTS_INPUT_LISTING_H_
#define TRIDENT_TRIDENT_SPOUTS_INPUT_LISTING_H_

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "base/status.h"
#include "trident/spouts/open_file.h"
#include "trident/spouts/text_file_spout.h"

namespace trident {

struct FoundFile {
  std::string path;       // absolute; one of its names
  bool is_given = false;  // by the user, not found in a directory
  bool is_link = false;
  FileFacts facts;
};

struct InputListing {
  std::vector<FoundFile> files;       // each once, by path
  std::set<std::string> folders;      // where others may come up
  std::vector<std::string> left_out;  // what was left out and why, for people
};

// Of the names of a file, one that `is_known` is taken, else one that is no link, else the first in
// order. NotFound, PermissionDenied or InvalidArgument name the path that gives no file, unless the
// files are followed: then others may come.
StatusOr<InputListing> ListInput(const std::vector<std::string>& paths, Follow follow,
                                 const std::function<bool(const std::string&)>& is_known);

// The same name whatever the working directory is: it stands in decision records.
std::string AbsolutePath(const std::string& path);

}  // namespace trident

#endif  // TRIDENT_TRIDENT_SPOUTS_INPUT_LISTING_H_
